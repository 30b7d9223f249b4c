/** What a run takes, and how processor time is divided. */
import { describe, expect, it } from 'vitest';
import { CpuShares } from '../../src/workers/cpu-shares.ts';
import { RunMeter } from '../../src/workers/run-meter.ts';

const plan = { name: 'p', description: 'p', paid: true, prices: { job: 1, embedding_blocks: 2, input_pixel: 0.5, storage: 1 } };

describe('the meter of a run', () => {
  it('gives usage in the standard\'s words', () => {
    const meter = new RunMeter();
    meter.samplesRead += 10;
    meter.computed++;
    meter.blockSamples = 5;
    meter.storedBytes = 7;
    expect(meter.usage()).toEqual({
      duration: { value: expect.any(Number), unit: 's' }, storage: { value: 7, unit: 'B' }, input_pixel: { value: 15, unit: 'samples' }, embedding_blocks: { value: 1, unit: 'blocks' },
    });
  });

  it('stops before the block that the budget does not pay', () => {
    const meter = new RunMeter({ budget: { plan, limit: 5, currency: 'EUR' } });
    meter.computed++;
    meter.computed++;
    expect(() => meter.computed++).toThrow(expect.objectContaining({ code: 'BudgetInvalid', message: expect.stringContaining('5 EUR') }));
  });

  it('stops before samples that the budget does not pay, and after a file that it did not', () => {
    const meter = new RunMeter({ budget: { plan, limit: 5, currency: 'EUR' } });
    meter.samplesRead += 8;
    expect(() => (meter.samplesRead += 1)).toThrow(expect.objectContaining({ code: 'BudgetInvalid' }));
    const other = new RunMeter({ budget: { plan, limit: 5, currency: 'EUR' } });
    other.storedBytes = 4;
    expect(() => other.check()).not.toThrow();
    other.storedBytes = 5;
    expect(() => other.check()).toThrow(expect.objectContaining({ code: 'BudgetInvalid' }));
  });
});

describe('processor time', () => {
  it('is divided between the tasks that run at the same time, and adds up', () => {
    let used = 100;
    const shares = new CpuShares(() => used);
    const first = shares.enter();
    used += 2;
    const second = shares.enter();
    used += 4;
    expect(second.leave()).toBe(2);
    used += 1;
    expect(first.seconds()).toBe(5);
    expect(first.leave()).toBe(5);
    used += 50;
    expect(first.seconds()).toBe(5);
    expect(shares.enter().seconds()).toBe(0);
  });

  it('is that of this process', () => {
    const share = new CpuShares().enter();
    const until = performance.now() + 50;
    while (performance.now() < until);
    expect(share.leave()).toBeGreaterThan(0.01);
  });
});
