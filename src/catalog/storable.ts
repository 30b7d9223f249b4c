/** PostgreSQL has no text with a NUL character; no stored id has one either, so any other sign will do. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}
