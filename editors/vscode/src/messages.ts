import * as vscode from "vscode";
import {
  MessageType,
  type LanguageClient,
  type ShowMessageParams,
} from "vscode-languageclient/node";
import { DISCARDED } from "./edits/apply";

/** Shows the server's messages, but for one: who discards an edit knows it. */
export function showMessages(client: LanguageClient): void {
  client.onNotification("window/showMessage", ({ type, message }: ShowMessageParams) => {
    if (message.includes(DISCARDED)) return;
    if (type === MessageType.Error) void vscode.window.showErrorMessage(message);
    else if (type === MessageType.Warning) void vscode.window.showWarningMessage(message);
    else void vscode.window.showInformationMessage(message);
  });
}
