/**
 * What is to be done in a folder of network configurations. Runtimes take the first of the files
 * that end in `.conf`, `.conflist` or `.json` (libcni, ConfFiles), so ours must be that.
 */
import { isOwnConflist } from "./conflist.ts";

/** An entry of the folder. */
export interface ConfFile {
  readonly name: string;
  /** Undefined when it could not be read. */
  readonly text: string | undefined;
  /** True for a folder: runtimes pass it by, but where our file belongs it is in the way. */
  readonly isFolder?: boolean;
}

/** One change; names are those of files in the folder. */
export type ConfChange =
  | { readonly kind: "write"; readonly name: string; readonly text: string }
  /** A second name for the same file. */
  | { readonly kind: "link"; readonly name: string; readonly to: string }
  /** Replaces what has the new name. */
  | { readonly kind: "rename"; readonly name: string; readonly to: string }
  | { readonly kind: "remove"; readonly name: string };

/** What the folder should hold. */
export interface WantedConf {
  /** Name of our file. */
  readonly name: string;
  readonly text: string;
  /** True when no other file may come before ours. */
  readonly exclusive: boolean;
}

/** Name of our file where nothing else is configured: before the `10-` of most others. */
export const DEFAULT_CONF_NAME = "05-headcni.conflist";

/**
 * The changes by which ours is the first. At any time the first is what it was before, or ours: ours
 * is written before others go, and of these the first goes last. No text of others is ever lost:
 * - every file that comes before ours is moved aside, even one that nobody can read: containerd
 *   loads nothing when the first is broken;
 * - what had our name and was not made by us is kept under a second name;
 * - what we made under another name, before the settings changed, is moved aside wherever it is.
 */
export function planConfDirectory(
  entries: readonly ConfFile[],
  { name, text, exclusive }: WantedConf,
): ConfChange[] {
  const files = withoutFolders(entries);
  const inTheWay = entries.filter((entry) => entry.isFolder && entry.name === name);
  const there = files.find((file) => file.name === name);
  const unwanted = files.filter((file) =>
    file.name !== name && isLoaded(file.name) && (isOwn(file) || exclusive && file.name < name)
  ).toSorted((one, other) => one.name > other.name ? -1 : 1);
  return [
    ...inTheWay.map((folder) => moveAside(folder, entries)),
    ...there && there.text !== text && !isOwn(there) ? keep(there, entries) : [],
    ...there?.text === text ? [] : [{ kind: "write", name, text } as const],
    ...unwanted.map((file) => moveAside(file, entries)),
    ...leftOvers(files, name).map(removal),
  ];
}

/**
 * The changes that take ours away and bring back what was moved aside. At any time the first is what
 * it was before, or what it will be. Of several files that had one name the last
 * comes back. Where a file has that name again it stays, for it is newer, and so does the other
 * under its second name.
 */
export function planRestore(entries: readonly ConfFile[], name: string): ConfChange[] {
  const files = withoutFolders(entries);
  const ours = files.filter(isOwn);
  const stay = files.filter((file) => !ours.includes(file) || !isLoaded(file.name));
  const asides = files.filter((file) => !isOwn(file)).flatMap(readAside)
    .filter(({ original }) => !stay.some((file) => file.name === original));
  const last = Array.from(Map.groupBy(asides, ({ original }) => original).values())
    .flatMap((all) => all.toSorted(byNumber).slice(-1))
    .toSorted((one, other) => one.original < other.original ? -1 : 1);
  const replaced = last.map(({ original }) => original);
  const gone = ours.filter((file) => isLoaded(file.name) && !replaced.includes(file.name));
  return [
    ...last.map((aside) => ({ kind: "rename", name: aside.name, to: aside.original } as const)),
    ...gone.map((file) => file.name === name ? removal(file) : moveAside(file, entries)),
    ...leftOvers(files, name).map(removal),
  ];
}

/** True for names that runtimes load. */
export function isLoaded(name: string): boolean {
  return /\.(conf|conflist|json)$/.test(name);
}

/** A file that was moved aside: by us, or by an older system, which had one name for all. */
interface Aside {
  readonly name: string;
  readonly original: string;
  /** 0 for the older system. */
  readonly number: number;
}

function readAside({ name, text }: ConfFile): Aside[] {
  const ours = /^(.+)\.headcni-moved-([1-9]\d{0,8})$/.exec(name);
  if (ours) return [{ name, original: ours[1] ?? "", number: Number(ours[2]) }];
  // The older system moved its own file aside, too, which nobody could run any more.
  const older = /^(.+)\.headcni_bak$/.exec(name);
  const isTheirs = !/"type"\s*:\s*"headcni"/.test(text ?? "");
  return older && isTheirs ? [{ name, original: older[1] ?? "", number: 0 }] : [];
}

/** A second name, unless the same text has one already, as a kill can leave it. */
function keep(file: ConfFile, files: readonly ConfFile[]): ConfChange[] {
  const to = asideName(file, files);
  const isKept = files.some((each) => each.name === to);
  return isKept ? [] : [{ kind: "link", name: file.name, to }];
}

function moveAside(file: ConfFile, files: readonly ConfFile[]): ConfChange {
  return { kind: "rename", name: file.name, to: asideName(file, files) };
}

/**
 * The next free number, or that of the same text: what others write anew at each of their starts
 * would pile up.
 */
function asideName({ name, text }: ConfFile, files: readonly ConfFile[]): string {
  const asides = files.flatMap((each) => readAside(each).map((aside) => ({ ...each, ...aside })))
    .filter(({ original, number }) => original === name && number > 0);
  const last = asides.toSorted(byNumber).at(-1);
  if (last && text !== undefined && last.text === text) return last.name;
  return `${name}.headcni-moved-${(last?.number ?? 0) + 1}`;
}

function byNumber(one: Aside, other: Aside): number {
  return one.number - other.number;
}

/** What a writer that was killed has left. */
function leftOvers(files: readonly ConfFile[], name: string): ConfFile[] {
  return files.filter((file) => file.name.startsWith(`.${name}.`));
}

function withoutFolders(entries: readonly ConfFile[]): ConfFile[] {
  return entries.filter(({ isFolder }) => !isFolder);
}

function isOwn({ text }: ConfFile): boolean {
  return text !== undefined && isOwnConflist(text);
}

function removal({ name }: ConfFile): ConfChange {
  return { kind: "remove", name };
}
