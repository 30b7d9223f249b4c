/** Accelerators of this machine as files: what programs are shown, and whether there is any. */
import { existsSync } from 'node:fs';

/** One file for each NVIDIA GPU. */
const GPUS = Array.from({ length: 16 }, (_, i) => `/dev/nvidia${i}`);

/** All that a program needs of a driver; which of them there are depends on the machine that it runs on. */
export const DEVICES: readonly string[] = [...GPUS, '/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools'];

/** The GPUs of this machine; empty without one. */
export function acceleratorDevices(): string[] {
  return GPUS.filter((path) => existsSync(path));
}
