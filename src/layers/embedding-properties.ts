/** What an item whose pixels are embeddings says of itself: `emb:*` of the embeddings extension 0.0.1, processing 1.2. */
import type { Quantization } from '../cube/cube.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { Operator } from '../operators/operator.ts';

/** `emb:*` and `processing:*` properties of an item whose pixels are embeddings. */
export function embeddingProperties(operator: Operator, quantization: Quantization, origin: ProcessGraph | null, computed: string | null): Record<string, unknown> {
  const { manifest } = operator;
  const { scale, offset } = manifest.quantization.int8;
  const dtype = quantization === 'int8' ? 'int8' : quantization;
  return {
    'emb:runtime_parameters': { operator: operator.reference, bands: manifest.input.bands.map((b) => b.name), patch: manifest.patch, halo: manifest.halo, fill: manifest.input.fill },
    'emb:quantization': {
      method: quantization === 'int8' ? 'linear' : 'none',
      original_dtype: 'float32',
      quantized_dtype: dtype,
      ...(quantization === 'int8' ? { scale, offset } : {}),
    },
    'processing:level': 'L4',
    'processing:version': manifest.version,
    'processing:software': { lamina: '0.1.0', [manifest.name]: manifest.version },
    'processing:lineage': `compress_embed with ${operator.reference}`,
    ...(origin ? { 'processing:expression': { format: 'openeo', expression: { process_graph: origin } } } : {}),
    ...(computed ? { 'processing:datetime': computed } : {}),
  };
}
