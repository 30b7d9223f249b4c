/** How far a command has come, as one line of a terminal that is written over, or as lines of a log. */

export interface ProgressState {
  readonly label: string;
  /** 0 … 1; null where nobody knows how much there is. */
  readonly fraction: number | null;
  /** What is done, counted in the unit of the bar. */
  readonly done: number;
}

/** Where it is written: a terminal, or anything that takes text. */
export interface ProgressTarget {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR = 24;
/** A terminal is drawn at most so often; a log gets a line as often as somebody may want to read. */
const TERMINAL_MS = 100;
const LOG_MS = 30_000;

export class ProgressBar {
  readonly #target: ProgressTarget;
  readonly #unit: string;
  readonly #now: () => number;
  readonly #start: number;
  #drawn: number;
  #first: ProgressState | null = null;
  #isOpen = false;

  /**
   * @param unit what is counted, in the plural
   * @param now milliseconds, of a clock that only goes forward
   */
  constructor(target: ProgressTarget, unit: string, now: () => number = () => performance.now()) {
    this.#target = target;
    this.#unit = unit;
    this.#now = now;
    this.#start = this.#drawn = now();
  }

  show(state: ProgressState): void {
    // What an earlier run did is no speed of this one.
    this.#first ??= state;
    const now = this.#now();
    const isTerminal = this.#target.isTTY === true;
    if (now - this.#drawn < (isTerminal ? TERMINAL_MS : LOG_MS)) return;
    this.#drawn = now;
    const text = this.#text(state, (now - this.#start) / 1000);
    if (isTerminal) this.#target.write(`\r${text.slice(0, Math.max(20, (this.#target.columns ?? 100) - 1)).padEnd((this.#target.columns ?? 100) - 1)}`);
    else this.#target.write(`${text}\n`);
    this.#isOpen = isTerminal;
  }

  /** Clears the line. */
  end(): void {
    if (this.#isOpen) this.#target.write(`\r${' '.repeat((this.#target.columns ?? 100) - 1)}\r`);
    this.#isOpen = false;
  }

  #text({ label, fraction, done }: ProgressState, seconds: number): string {
    const rate = seconds > 0 ? (done - this.#first!.done) / seconds : 0;
    const counted = `${done.toLocaleString('en')} ${this.#unit}, ${Math.round(rate).toLocaleString('en')}/s`;
    if (fraction === null) return `${label}  ${counted}`;
    const full = Math.round(fraction * BAR);
    const share = fraction - (this.#first!.fraction ?? 0);
    const left = share > 0 ? (seconds / share) * (1 - fraction) : null;
    return `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${Math.floor(fraction * 100)} %  ${counted}${left === null ? '' : `, ${time(left)} left`}  ${label}`;
  }
}

function time(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 90 ? `${whole} s` : whole < 5400 ? `${Math.round(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`;
}
