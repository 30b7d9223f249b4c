/** A thread that runs a model of one node with one execution provider, and says what came of it: null, or why it failed. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** ONNX: b = Identity(a), one float32; 67 bytes. */
const MODEL = Buffer.from('CAgSADo3ChAKAWESAWIiCElkZW50aXR5EgFnWg8KAWESCgoICAESBAoCCAFiDwoBYhIKCggIARIECgIIAUIECgAQDQ==', 'base64');

async function trial(provider: string): Promise<string | null> {
  try {
    const session = await InferenceSession.create(MODEL, { executionProviders: [provider], logSeverityLevel: 4 });
    const { b } = await session.run({ a: new Tensor('float32', Float32Array.of(7), [1]) });
    await session.release();
    return b?.data[0] === 7 ? null : 'it computes something else than the processor';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

parentPort!.postMessage(await trial(workerData as string));
