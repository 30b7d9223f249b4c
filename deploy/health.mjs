// Health check of the api container: GET /health has to answer 200 within the time the engine allows.
const port = process.env.LAMINA_PORT ?? '8080';

try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4000) });
  if (response.status !== 200) throw new Error(`/health answered ${response.status}`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
