/**
 * GDAL_METADATA, the XML tag in which GDAL keeps what TIFF has no tag for: band names, scale, statistics.
 * GDAL escapes values twice (and undoes it twice on reading), so '<' is '&amp;lt;' in the file.
 */

export interface GdalItem {
  readonly name: string;
  readonly value: string;
  /** 0-based band; absent for the whole file. */
  readonly sample?: number;
  /** 'description', 'scale', 'offset' for what GDAL treats as properties of a band. */
  readonly role?: string;
}

/** The items of the tag's text, in order. Text that is not of this shape has none. */
export function parseGdalMetadata(xml: string): GdalItem[] {
  return [...xml.matchAll(/<Item\s([^>]*?)(?:\/>|>([\s\S]*?)<\/Item>)/g)].flatMap(([, attributes = '', text = '']) => {
    const values = Object.fromEntries([...attributes.matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, key, a, b]) => [key!, unescape(a ?? b ?? '')]));
    if (values.name === undefined) return [];
    return [{
      name: values.name,
      value: unescape(unescape(text)),
      ...(values.sample !== undefined && { sample: Number(values.sample) }),
      ...(values.role !== undefined && { role: values.role }),
    }];
  });
}

/** The tag's text for the items. */
export function formatGdalMetadata(items: readonly GdalItem[]): string {
  const lines = items.map(({ name, value, sample, role }) => {
    const band = sample === undefined ? '' : ` sample="${sample}"`;
    const purpose = role === undefined ? '' : ` role="${escape(role)}"`;
    return `  <Item name="${escape(name)}"${band}${purpose}>${escape(escape(value))}</Item>\n`;
  });
  return `<GDALMetadata>\n${lines.join('')}</GDALMetadata>`;
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescape(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex!, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Characters that XML 1.0 can't hold at all are left out. */
function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
    .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
