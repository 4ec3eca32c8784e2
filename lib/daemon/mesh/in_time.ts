/**
 * What comes of work at Headscale, if it comes in time. A loop that turns is alive, whatever Headscale does:
 * no turn waits as long as its client would. What goes on behind is not waited for.
 * @throws Error when the time is over, or what the work throws.
 */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Headscale gave no answer in ${milliseconds / 1000} s`)),
    milliseconds,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
