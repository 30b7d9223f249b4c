/** Where a job is followed; a path of the service. */
export function monitorPath(jobId: string): string {
  return `/monitor/${encodeURIComponent(jobId)}`;
}
