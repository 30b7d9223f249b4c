import { describe, expect, it } from 'vitest';
import { chosenBatchOptions, nothingAllowed, parseBatchRules, secondsOf } from '../../src/operators/batch-options.ts';
import { readJobOptions } from '../../src/operators/runtime-choice.ts';

describe('times as Slurm has them', () => {
  it.each([['5', 300], ['05:30', 330], ['1:00:00', 3600], ['2-0', 172_800], ['1-12:30', 131_400], ['0-00:01:05', 65]])('%s', (text, seconds) => expect(secondsOf(text)).toBe(seconds));
  it.each(['', '0', 'x', '1:2:3:4', '-5', '1h', '0:00', '1 2'])("'%s' is none", (text) => expect(() => secondsOf(text)).toThrow(RangeError));
});

describe('what users may choose', () => {
  it('is what the service lists', () => {
    expect(parseBatchRules('partition=low, gpu; time=2:00:00; extra=--nice=*, --exclusive')).toEqual({ partition: ['low', 'gpu'], account: [], gres: [], seconds: 7200, extra: ['--nice=*', '--exclusive'] });
    expect(parseBatchRules('')).toEqual(nothingAllowed);
  });

  it.each([['prolog=/x', "'prolog' is nothing that users may choose"], ['extra=--wrap=id', "'--wrap=id' can't be allowed"], ['extra=--export=*', "can't be allowed"], ['extra=--uid=*', "can't be allowed"], ['extra=nice', "can't be allowed"], ['time=ever', 'is no time']])('a service can\'t list %s', (text, message) => {
    expect(() => parseBatchRules(text)).toThrow(message);
  });

  it('is nothing where the service lists nothing', () => {
    for (const given of [{ partition: 'low' }, { account: 'a' }, { gres: 'gpu:1' }, { time: '1' }, { extra: ['--nice=1'] }]) expect(() => chosenBatchOptions(given, nothingAllowed), JSON.stringify(given)).toThrow('this service allows none');
    expect(chosenBatchOptions({ partition: null, extra: [] }, nothingAllowed)).toEqual({ extra: [] });
  });

  it('is words, even where all are allowed', () => {
    const all = parseBatchRules('partition=*; account=*; gres=*; time=1-0; extra=--comment=*,--exclusive');
    expect(chosenBatchOptions({ partition: 'a_b', account: 'x.y', gres: 'gpu:a100:2', time: 90, extra: ['--comment=x', '--exclusive'] }, all)).toEqual({ partition: 'a_b', account: 'x.y', gres: 'gpu:a100:2', seconds: 5400, extra: ['--comment=x', '--exclusive'] });
    for (const value of ['a b', '-x', '$(id)', '', 'a;b', "a'b", 7, ['a'], 'a\nb']) {
      expect(() => chosenBatchOptions({ partition: value }, all), JSON.stringify(value)).toThrow(RangeError);
      expect(() => chosenBatchOptions({ extra: [`--comment=${String(value)}\u0000`] }, all)).toThrow(RangeError);
    }
  });

  it('needs Slurm', () => {
    expect(() => readJobOptions({ slurm: { partition: 'low' } }, { runtimes: ['onnx', 'pbs+podman'], batch: parseBatchRules('partition=*') })).toThrow('hands no operators to Slurm');
  });
});
