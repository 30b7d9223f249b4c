/**
 * Non-linear least squares by Levenberg and Marquardt (Marquardt 1963; Moré 1978 for the scaling and for
 * solving the damped problem by orthogonal transformations instead of normal equations).
 *
 * The solver never calls the model. It says where it wants it evaluated and waits for the values, so that
 * the model can be code in a compiled loop. Nothing is allocated after construction:
 *
 *     fit.begin(initial, n);            // after x and y have got their first n values
 *     while (fit.next()) for (k < n) fit.values[k] = model(fit.x[k], fit.parameters);
 *     if (fit.isSolved) … fit.parameters
 */

/** Relative step for derivatives by forward differences: the root of the spacing of doubles. */
const STEP = Math.sqrt(Number.EPSILON);
/** Relative change of the sum of squares, and of the parameters, below which nothing more is won. */
const TOLERANCE = 1e-11;
/** Damping after the first step that made things worse. */
const FIRST_DAMPING = 1e-3;
/** Below this, damping is none. */
const LEAST_DAMPING = 1e-9;
const MOST_DAMPING = 1e12;
/** Evaluations per parameter, as in MINPACK. */
const EVALUATIONS = 200;

type Phase = 'begin' | 'first' | 'derivative' | 'trial' | 'end';

export class CurveFit {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** What the model gives for `x` and `parameters`; filled in by the caller. */
  readonly values: Float64Array;
  /** Where the model is to be evaluated; in the end the solution. */
  readonly parameters: Float64Array;
  /** False: no solution was found. */
  isSolved = false;

  readonly #size: number;
  /** The best parameters so far, what the model gives for them, and the residuals. */
  readonly #best: Float64Array;
  readonly #bestValues: Float64Array;
  readonly #residuals: Float64Array;
  /** Derivatives, one column after the other; the triangular factor after `#factorize`. */
  readonly #columns: Float64Array;
  /** Largest norm so far of each column. */
  readonly #scale: Float64Array;
  /** The residuals, turned as the columns were. */
  readonly #turned: Float64Array;
  readonly #triangle: Float64Array;
  /** The triangle with the damping in it. */
  readonly #damped: Float64Array;
  readonly #row: Float64Array;
  readonly #right: Float64Array;
  readonly #step: Float64Array;

  #phase: Phase = 'end';
  #count = 0;
  #column = 0;
  #delta = 0;
  #damping = 0;
  #cost = 0;
  #left = 0;

  /** Room for so many parameters and observations. */
  constructor(size: number, capacity: number) {
    this.#size = size;
    const perObservation = () => new Float64Array(capacity);
    const perParameter = () => new Float64Array(size);
    this.x = perObservation();
    this.y = perObservation();
    this.values = perObservation();
    this.#bestValues = perObservation();
    this.#residuals = perObservation();
    this.#turned = perObservation();
    this.parameters = perParameter();
    this.#best = perParameter();
    this.#scale = perParameter();
    this.#row = perParameter();
    this.#right = perParameter();
    this.#step = perParameter();
    this.#columns = new Float64Array(size * capacity);
    this.#triangle = new Float64Array(size * size);
    this.#damped = new Float64Array(size * size);
  }

  /** Starts with first guesses and the first `count` observations in `x` and `y`. Fewer than parameters have no solution. */
  begin(initial: ArrayLike<number>, count: number): void {
    this.parameters.set(initial);
    this.#scale.fill(0);
    this.#count = count;
    this.#damping = 0;
    this.#left = EVALUATIONS * (this.#size + 1);
    this.isSolved = false;
    this.#phase = count < this.#size ? 'end' : 'begin';
  }

  /** True: put the values of the model for `parameters` into `values` and call again. */
  next(): boolean {
    switch (this.#phase) {
      case 'begin': this.#phase = 'first'; break;
      case 'first': this.#takeFirst(); break;
      case 'derivative': this.#takeDerivative(); break;
      case 'trial': this.#takeTrial(); break;
      case 'end': break;
    }
    if (this.#phase !== 'end' && this.#left-- <= 0) this.#phase = 'end';
    return this.#phase !== 'end';
  }

  #takeFirst(): void {
    this.#cost = this.#costOfValues();
    this.#accept();
    if (Number.isFinite(this.#cost)) this.#differentiate();
    else this.#phase = 'end';
  }

  #costOfValues(): number {
    let sum = 0;
    for (let k = 0; k < this.#count; k++) sum += (this.y[k]! - this.values[k]!) ** 2;
    return sum;
  }

  #accept(): void {
    this.#best.set(this.parameters);
    for (let k = 0; k < this.#count; k++) {
      this.#bestValues[k] = this.values[k]!;
      this.#residuals[k] = this.y[k]! - this.values[k]!;
    }
  }

  /** Asks for the model with each parameter moved a little. */
  #differentiate(): void {
    if (this.#cost === 0) return this.#finish();
    this.#column = 0;
    this.#perturb();
  }

  #perturb(): void {
    const value = this.#best[this.#column]!;
    this.parameters.set(this.#best);
    this.parameters[this.#column] = value + this.#smallStep(value);
    // What the sum has become after rounding.
    this.#delta = this.parameters[this.#column]! - value;
    this.#phase = 'derivative';
  }

  /**
   * Small against the parameter, but large enough that the model changes in more than its last digits: a
   * parameter of 1 beside one of 10,000 would else have a derivative of rounding errors.
   */
  #smallStep(value: number): number {
    const scale = this.#scale[this.#column]!;
    const wanted = scale > 0 ? Math.max(Math.abs(value), norm(this.#bestValues, 0, this.#count) / scale) : Math.abs(value);
    return STEP * (wanted > 0 ? wanted : 1);
  }

  #takeDerivative(): void {
    const at = this.#column * this.#count;
    for (let k = 0; k < this.#count; k++) this.#columns[at + k] = (this.values[k]! - this.#bestValues[k]!) / this.#delta;
    if (++this.#column < this.#size) this.#perturb();
    else if (this.#factorize()) this.#tryStep();
    else this.#phase = 'end';
  }

  /** Householder's factorization of the derivatives; false when one of them is not finite. */
  #factorize(): boolean {
    const n = this.#count;
    const size = this.#size;
    const columns = this.#columns;
    const turned = this.#turned;
    for (let k = 0; k < n; k++) turned[k] = this.#residuals[k]!;
    for (let j = 0; j < size; j++) {
      this.#scale[j] = Math.max(this.#scale[j]!, norm(columns, j * n, n));
      if (!Number.isFinite(this.#scale[j]!)) return false;
    }
    for (let j = 0; j < size; j++) {
      const at = j * n;
      const length = norm(columns, at + j, n - j);
      const diagonal = columns[at + j]! > 0 ? -length : length;
      if (length > 0) {
        columns[at + j]! -= diagonal;
        const half = -diagonal * columns[at + j]!;
        for (let other = j + 1; other < size; other++) reflect(columns, at + j, columns, other * n + j, n - j, half);
        reflect(columns, at + j, turned, j, n - j, half);
      }
      this.#keepRow(j, diagonal);
    }
    return true;
  }

  /** Row j of the triangle; the columns to the right have got their final values in it. */
  #keepRow(j: number, diagonal: number): void {
    this.#triangle[j * this.#size + j] = diagonal;
    for (let other = j + 1; other < this.#size; other++) this.#triangle[j * this.#size + other] = this.#columns[other * this.#count + j]!;
  }

  #tryStep(): void {
    this.#solve();
    for (let j = 0; j < this.#size; j++) this.parameters[j] = this.#best[j]! + this.#step[j]!;
    this.#phase = 'trial';
  }

  /** The step for the current damping; more damping where the undamped problem has no single solution. */
  #solve(): void {
    while (!this.#solveDamped() && this.#damping < MOST_DAMPING) this.#raiseDamping();
  }

  #raiseDamping(): void {
    this.#damping = this.#damping === 0 ? FIRST_DAMPING : this.#damping * 10;
  }

  /** Givens rotations work the rows of the damping into a copy of the triangle. False when that is singular. */
  #solveDamped(): boolean {
    const size = this.#size;
    const right = this.#right;
    const step = this.#step;
    const row = this.#row;
    const triangle = this.#damped;
    triangle.set(this.#triangle);
    for (let j = 0; j < size; j++) right[j] = this.#turned[j]!;
    for (let j = 0; this.#damping > 0 && j < size; j++) {
      row.fill(0);
      row[j] = Math.sqrt(this.#damping) * this.#scaleOf(j);
      rotateIn(triangle, right, row, j, size);
    }
    for (let j = size - 1; j >= 0; j--) {
      const diagonal = triangle[j * size + j]!;
      if (Math.abs(diagonal) <= 1e-13 * this.#scaleOf(j)) return false;
      let sum = right[j]!;
      for (let k = j + 1; k < size; k++) sum -= triangle[j * size + k]! * step[k]!;
      step[j] = sum / diagonal;
    }
    return true;
  }

  /** A parameter without influence is damped all the same. */
  #scaleOf(j: number): number {
    return this.#scale[j]! > 0 ? this.#scale[j]! : 1;
  }

  #takeTrial(): void {
    const cost = this.#costOfValues();
    const gain = (this.#cost - cost) / this.#cost;
    const expected = this.#expectedGain();
    const isSmallStep = this.#stepSize() <= TOLERANCE;
    if (gain > 1e-4 * expected || (gain >= 0 && expected <= TOLERANCE)) {
      this.#accept();
      this.#cost = cost;
      this.#damping = this.#damping / 10 < LEAST_DAMPING ? 0 : this.#damping / 10;
      if (isSmallStep || (gain <= TOLERANCE && expected <= TOLERANCE)) this.#finish();
      else this.#differentiate();
      return;
    }
    // Nothing better within the digits that there are.
    if (isSmallStep || expected <= TOLERANCE || this.#damping >= MOST_DAMPING) return this.#finish();
    this.#raiseDamping();
    this.#tryStep();
  }

  /** By how much the sum of squares would shrink if the model were linear, as a share of it. */
  #expectedGain(): number {
    let along = 0;
    let damped = 0;
    for (let j = 0; j < this.#size; j++) {
      let sum = 0;
      for (let k = j; k < this.#size; k++) sum += this.#triangle[j * this.#size + k]! * this.#step[k]!;
      along += sum * sum;
      damped += (this.#scaleOf(j) * this.#step[j]!) ** 2;
    }
    return (along + 2 * this.#damping * damped) / this.#cost;
  }

  /** Relative to the parameters, both scaled. */
  #stepSize(): number {
    let step = 0;
    let size = 0;
    for (let j = 0; j < this.#size; j++) {
      step += (this.#scaleOf(j) * this.#step[j]!) ** 2;
      size += (this.#scaleOf(j) * this.#best[j]!) ** 2;
    }
    return Math.sqrt(step) / Math.sqrt(size);
  }

  #finish(): void {
    this.parameters.set(this.#best);
    this.isSolved = true;
    this.#phase = 'end';
  }
}

function norm(values: Float64Array, from: number, count: number): number {
  let sum = 0;
  for (let k = from; k < from + count; k++) sum += values[k]! ** 2;
  return Math.sqrt(sum);
}

/** Mirrors a vector at the plane that a Householder vector stands on; `half` is half its squared length. */
function reflect(mirror: Float64Array, from: number, target: Float64Array, to: number, count: number, half: number): void {
  let dot = 0;
  for (let k = 0; k < count; k++) dot += mirror[from + k]! * target[to + k]!;
  const factor = dot / half;
  for (let k = 0; k < count; k++) target[to + k]! -= factor * mirror[from + k]!;
}

/** Turns a row with zeros before position `first` into the triangle. */
function rotateIn(triangle: Float64Array, right: Float64Array, row: Float64Array, first: number, size: number): void {
  let rest = 0;
  for (let k = first; k < size; k++) {
    if (row[k] === 0) continue;
    const diagonal = triangle[k * size + k]!;
    const length = Math.hypot(diagonal, row[k]!);
    const cos = diagonal / length;
    const sin = row[k]! / length;
    for (let c = k; c < size; c++) {
      const above = triangle[k * size + c]!;
      triangle[k * size + c] = cos * above + sin * row[c]!;
      row[c] = cos * row[c]! - sin * above;
    }
    const above = right[k]!;
    right[k] = cos * above + sin * rest;
    rest = cos * rest - sin * above;
  }
}
