import type { Piece } from "../protocol";

/** Joins the pieces of a streamed answer: those after the last restart are its text. */
export class Joined {
  text = "";
  /** Who writes since a provider failed in the middle. */
  provider: string | undefined;

  /** Takes the next piece. */
  add(piece: Piece): void {
    if (piece.restart) {
      this.text = "";
      this.provider = piece.provider;
    }
    this.text += piece.delta ?? "";
  }
}
