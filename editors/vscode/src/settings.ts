/** The settings of VS Code that are the server's: only those somebody wrote are sent. */

type Json = Record<string, unknown>;

/** What VS Code knows of one setting, by where it was written. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/** These are the extension's own. */
export const OWN: readonly string[] = ["server.command", "server.install", "codeLens"];

/**
 * What holds in VS Code where nothing was written, in `config.toml` neither: its mouse hovers, and
 * it has a preview.
 */
export const HERE: Json = { "hover.mode": "cached", "edits.confirm": "always" };

/** Returns the keys of the server's settings from the extension's own manifest. */
export function serverKeys(manifest: unknown): string[] {
  const found = (manifest as { contributes?: { configuration?: unknown } }).contributes;
  const groups = [found?.configuration ?? []].flat() as { properties?: Json }[];
  return groups
    .flatMap((group) => Object.keys(group.properties ?? {}))
    .map((key) => key.replace(/^aiex\./, ""))
    .filter((key) => !OWN.includes(key));
}

/**
 * Returns the section `aiex` as the server reads it. `keys` are the providers whose key is kept
 * by VS Code, with the name of the variable it is given in: the key itself is not among settings.
 */
export function serverSettings(
  names: readonly string[],
  inspect: (name: string) => Inspected | undefined,
  keys: Readonly<Record<string, string>> = {},
): Json {
  const settings: Json = {};
  for (const [name, value] of Object.entries(HERE))
    put(settings, ["defaults", ...name.split(".")], value);
  for (const name of names) {
    const written = inspect(name);
    const value = written?.workspaceFolderValue ?? written?.workspaceValue ?? written?.globalValue;
    // An emptied field is a setting nobody wrote.
    if (value !== undefined && value !== null && value !== "")
      put(settings, name.split("."), value);
  }
  const providers = withoutKeys(settings["providers"]);
  for (const [provider, variable] of Object.entries(keys)) {
    providers[provider] = { ...providers[provider], api_key: { env: variable } };
  }
  if (Object.keys(providers).length > 0) settings["providers"] = providers;
  return settings;
}

/** Returns the providers in settings that hold a key as text, which is not sent. */
export function keysInSettings(providers: unknown): string[] {
  return Object.entries(tables(providers))
    .filter(([, table]) => typeof table["api_key"] === "string")
    .map(([name]) => name);
}

function withoutKeys(providers: unknown): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(tables(providers)).map(([name, table]) => {
      const { api_key: key, ...rest } = table;
      return [name, typeof key === "object" && key !== null ? table : rest];
    }),
  );
}

function tables(providers: unknown): Record<string, Json> {
  if (typeof providers !== "object" || providers === null) return {};
  const found = Object.entries(providers).filter(([, one]) => typeof one === "object" && one);
  return Object.fromEntries(found) as Record<string, Json>;
}

function put(table: Json, path: string[], value: unknown): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) table[first] = value;
  else put((table[first] ??= {}) as Json, rest, value);
}
