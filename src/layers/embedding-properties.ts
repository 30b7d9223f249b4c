/** What an item whose pixels are embeddings says of itself: `emb:*` of the embeddings extension 0.0.1, processing 1.2. */
import type { Encoding, Quantization } from '../cube/cube.ts';
import { quantizationFields } from '../formats/embedding-codes.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { Operator } from '../operators/operator.ts';
import { encodingOf } from '../operators/quantize.ts';

/**
 * `emb:*` and `processing:*` properties of an item whose pixels are embeddings. `stored` is the encoding of
 * the cube, or the name of a view of all the operator's dimensions.
 */
export function embeddingProperties(operator: Operator, stored: Encoding | Quantization, origin: ProcessGraph | null, computed: string | null): Record<string, unknown> {
  const { manifest } = operator;
  return {
    'emb:runtime_parameters': { operator: operator.reference, bands: manifest.input.bands.map((b) => b.name), patch: manifest.patch, halo: manifest.halo, fill: manifest.input.fill },
    ...quantizationProperties(typeof stored === 'string' ? encodingOf(manifest, stored) : stored),
    'processing:level': 'L4',
    'processing:version': manifest.version,
    'processing:software': { lamina: '0.1.0', [manifest.name]: manifest.version },
    'processing:lineage': `compress_embed with ${operator.reference}`,
    ...(origin ? { 'processing:expression': { format: 'openeo', expression: { process_graph: origin } } } : {}),
    ...(computed ? { 'processing:datetime': computed } : {}),
  };
}

/**
 * The extension has words for a scale and an offset per dimension only, and forbids others in its object.
 * What they can't say stands in `lamina:quantization`, in the words of the Zarr convention `geoemb:`; there
 * `scale` names the array beside the codes, and an asset that has it in a file says so itself.
 */
function quantizationProperties(encoding: Encoding): Record<string, unknown> {
  const fields = quantizationFields(encoding);
  const { method, original_dtype, quantized_dtype } = fields;
  const { scale, offset } = encoding;
  const isSaid = method === 'none' || method === 'cast' || method === 'linear';
  return {
    'emb:quantization': { method, original_dtype, quantized_dtype, ...(scale && { scale }), ...(offset && { offset }) },
    ...(isSaid ? {} : { 'lamina:quantization': fields }),
  };
}
