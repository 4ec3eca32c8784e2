/** The line that `kill_at.ts` notes behind the call that was not carried out. */
export const KILL_MARK = "killed";
