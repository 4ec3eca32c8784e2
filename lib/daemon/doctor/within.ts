import { pause } from "../../pause.ts";

/**
 * What comes of something, if it comes in time; what goes on behind is not waited for.
 * @throws Error when the time is over, or what it throws.
 */
export function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const late = pause(milliseconds).then(() => {
    throw new Error(`no answer within ${milliseconds / 1000} s`);
  });
  return Promise.race([work, late]);
}
