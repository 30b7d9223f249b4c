/** The library that makes and reads pictures. */
import type { default as Sharp } from 'sharp';

/** Loaded with the first picture: a process that meets none has 18 MB more for pixels. */
export async function pictures(): Promise<typeof Sharp> {
  return (await import('sharp')).default;
}
