import type { Member } from "../attachment.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import type { Attachment } from "../store/attachments.ts";

/** True when other plugins have to be told that an attachment ends. */
export function owesOthers({ config, members }: Pick<Attachment, "config" | "members">): boolean {
  return members ? members.some(isForeign) : hasForeignIpam(config);
}

function isForeign({ kind, config }: Member): boolean {
  return kind === "plugin" || hasForeignIpam(config);
}
