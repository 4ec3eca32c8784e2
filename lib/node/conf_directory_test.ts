import { assert, assertEquals } from "@std/assert";
import { type ConfChange, planConfDirectory, planRestore } from "./conf_directory.ts";
import { planConflist } from "./conflist.ts";

const OURS = JSON.stringify(planConflist({}));
const OLDER = JSON.stringify(planConflist({ keys: { mtu: 1400 } }));
const FLANNEL = `{"name": "cbr0", "plugins": [{"type": "flannel"}]}`;
const CALICO = `{"name": "k8s", "plugins": [{"type": "calico"}]}`;
const NAME = "05-headcni.conflist";
const WANTED = { name: NAME, text: OURS, exclusive: true };
const MOVED = "00-flannel.conflist.headcni-moved-";

/** Files by name; undefined for one that cannot be read. */
type Folder = Readonly<Record<string, string | undefined>>;

interface Row {
  readonly what: string;
  readonly before: Folder;
  readonly wanted?: typeof WANTED;
  readonly after: Folder;
}

const ROWS: readonly Row[] = [
  { what: "an empty folder", before: {}, after: { [NAME]: OURS } },
  {
    what: "all is well",
    before: { [NAME]: OURS, "10-x.conf": CALICO },
    after: {
      [NAME]: OURS,
      "10-x.conf": CALICO,
    },
  },
  {
    what: "others come before",
    before: { "00-flannel.conflist": FLANNEL, "01-a.conf": CALICO, "02-b.json": "{}" },
    after: {
      [NAME]: OURS,
      [`${MOVED}1`]: FLANNEL,
      "01-a.conf.headcni-moved-1": CALICO,
      "02-b.json.headcni-moved-1": "{}",
    },
  },
  {
    what: "what nobody can read blocks containerd",
    before: { "00-broken.conf": undefined, "01-half.conflist": `{"na` },
    after: {
      [NAME]: OURS,
      "00-broken.conf.headcni-moved-1": undefined,
      "01-half.conflist.headcni-moved-1": `{"na`,
    },
  },
  {
    what: "what no runtime loads",
    before: { "00-a.conflist.bak": FLANNEL, "00-b.yaml": CALICO, ".keep": "" },
    after: { [NAME]: OURS, "00-a.conflist.bak": FLANNEL, "00-b.yaml": CALICO, ".keep": "" },
  },
  {
    what: "not exclusive",
    before: { "00-flannel.conflist": FLANNEL },
    wanted: { ...WANTED, exclusive: false },
    after: { [NAME]: OURS, "00-flannel.conflist": FLANNEL },
  },
  {
    what: "another text under a name that was moved before",
    before: { "00-flannel.conflist": FLANNEL, [`${MOVED}1`]: CALICO, [`${MOVED}10`]: CALICO },
    after: { [NAME]: OURS, [`${MOVED}1`]: CALICO, [`${MOVED}10`]: CALICO, [`${MOVED}11`]: FLANNEL },
  },
  {
    what: "the same text again",
    before: { "00-flannel.conflist": FLANNEL, [`${MOVED}1`]: CALICO, [`${MOVED}2`]: FLANNEL },
    after: { [NAME]: OURS, [`${MOVED}1`]: CALICO, [`${MOVED}2`]: FLANNEL },
  },
  { what: "ours, tampered with", before: { [NAME]: OLDER }, after: { [NAME]: OURS } },
  {
    what: "a stranger with our name",
    before: { [NAME]: CALICO },
    after: { [NAME]: OURS, [`${NAME}.headcni-moved-1`]: CALICO },
  },
  {
    what: "a stranger with our name, killed after its second name",
    before: { [NAME]: CALICO, [`${NAME}.headcni-moved-1`]: CALICO },
    after: { [NAME]: OURS, [`${NAME}.headcni-moved-1`]: CALICO },
  },
  {
    what: "ours under a name of before, and what a kill left",
    before: { "99-headcni.conflist": OLDER, [`.${NAME}.a0b1`]: OURS.slice(5) },
    after: { [NAME]: OURS, "99-headcni.conflist.headcni-moved-1": OLDER },
  },
];

for (const { what, before, wanted = WANTED, after } of ROWS) {
  Deno.test(`planConfDirectory: ${what}`, () => {
    const folders = carryOut(before, planConfDirectory(filesOf(before), wanted));
    const last = folders.at(-1) ?? {};
    assertEquals(last, after);
    assertEquals(planConfDirectory(filesOf(last), wanted), [], "a second time");
    // Whoever looks in between finds what was first before, or ours.
    for (const folder of folders.slice(1)) {
      assert([first(before), first(last)].includes(first(folder)), Deno.inspect(folder));
    }
  });
}

const RESTORED: readonly Row[] = [
  {
    what: "what was moved aside is back",
    before: { [NAME]: OURS, [`${MOVED}1`]: FLANNEL, "10-x.conf": CALICO },
    after: { "00-flannel.conflist": FLANNEL, "10-x.conf": CALICO },
  },
  {
    what: "several are back, before and after ours",
    before: {
      [NAME]: OURS,
      "01-a.conf.headcni-moved-1": CALICO,
      [`${MOVED}1`]: FLANNEL,
      "10-b.conf.headcni-moved-1": CALICO,
    },
    after: { "00-flannel.conflist": FLANNEL, "01-a.conf": CALICO, "10-b.conf": CALICO },
  },
  {
    what: "the last of one name is back, the others are kept",
    before: { [NAME]: OURS, [`${MOVED}9`]: CALICO, [`${MOVED}10`]: FLANNEL },
    after: { "00-flannel.conflist": FLANNEL, [`${MOVED}9`]: CALICO },
  },
  {
    what: "who has the name again is newer",
    before: { [NAME]: OURS, [`${MOVED}1`]: CALICO, "00-flannel.conflist": FLANNEL },
    after: { "00-flannel.conflist": FLANNEL, [`${MOVED}1`]: CALICO },
  },
  {
    what: "who had our name has it again",
    before: { [NAME]: OURS, [`${NAME}.headcni-moved-1`]: CALICO },
    after: { [NAME]: CALICO },
  },
  {
    what: "ours under another name does not come back",
    before: { "07-h.conflist": OLDER, [NAME]: OURS, "01-h.conflist.headcni-moved-1": OLDER },
    after: { "07-h.conflist.headcni-moved-1": OLDER, "01-h.conflist.headcni-moved-1": OLDER },
  },
  {
    what: "what the older system moved aside, but not its own",
    before: {
      [NAME]: OURS,
      "10-flannel.conflist.headcni_bak": FLANNEL,
      "10-headcni.conflist.headcni_bak": `{"plugins": [{"type": "headcni"}]}`,
    },
    after: {
      "10-flannel.conflist": FLANNEL,
      "10-headcni.conflist.headcni_bak": `{"plugins": [{"type": "headcni"}]}`,
    },
  },
  { what: "a stranger with our name", before: { [NAME]: CALICO }, after: { [NAME]: CALICO } },
  { what: "what a kill left", before: { [`.${NAME}.a0b1`]: "{" }, after: {} },
  { what: "an empty folder", before: {}, after: {} },
];

for (const { what, before, after } of RESTORED) {
  Deno.test(`planRestore: ${what}`, () => {
    const folders = carryOut(before, planRestore(filesOf(before), NAME));
    const last = folders.at(-1) ?? {};
    assertEquals(last, after);
    assertEquals(planRestore(filesOf(last), NAME), [], "a second time");
    for (const folder of folders.slice(1)) {
      assert([first(before), first(last)].includes(first(folder)), Deno.inspect(folder));
    }
  });
}

function filesOf(folder: Folder) {
  return Object.entries(folder).map(([name, text]) => ({ name, text }));
}

/** The folder before the first change and after each; an overwritten text must be known elsewhere. */
function carryOut(before: Folder, changes: readonly ConfChange[]): Folder[] {
  const folders: Folder[] = [before];
  for (const change of changes) {
    const { [change.name]: text, ...rest } = folders.at(-1) ?? {};
    if ("to" in change && change.to in rest && change.kind === "link") {
      throw new Error(`"${change.to}" is there already`);
    }
    folders.push(
      change.kind === "write"
        ? { ...rest, [change.name]: change.text }
        : change.kind === "remove"
        ? rest
        : { ...rest, [change.to]: text, ...change.kind === "link" && { [change.name]: text } },
    );
  }
  return folders;
}

/** What runtimes would load. */
function first(folder: Folder): string {
  const [name] = Object.keys(folder).filter((each) => /\.(conf|conflist|json)$/.test(each)).sort();
  return name === undefined ? "" : `${name}: ${folder[name]}`;
}
