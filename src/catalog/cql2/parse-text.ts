/** CQL2 text as a syntax tree. One method per level of precedence, from OR (loosest) to a single value. */
import { isComparison, operationNamed, operations } from './operations.ts';
import { boxLiteral, geometryLiteral, instantLiteral, intervalEnd, numberLiteral, textLiteral } from './literals.ts';
import { isWkt, readBox, readWkt } from './read-wkt.ts';
import { placeOf, TokenReader } from './token-reader.ts';
import type { Token } from './tokens.ts';
import { Budget, Cql2Error, type Expression, type Interval, type OpenEnd, type Place } from './tree.ts';

/** Keywords that can't be names of properties unless they are in double quotes. */
const reserved = new Set(['AND', 'OR', 'NOT', 'LIKE', 'BETWEEN', 'IN', 'IS', 'NULL', 'DIV']);

/** Throws Cql2Error, which names the character and what was expected there. Types are not looked at. */
export function parseText(source: string): Expression {
  return new TextParser(source).parse();
}

const isEndOfElement = ({ kind, text }: Token) => kind === 'end' || (kind === 'sign' && (text === ',' || text === ')' || text === ']'));

class TextParser {
  readonly #reader: TokenReader;
  readonly #budget = new Budget();

  constructor(source: string) {
    this.#reader = new TokenReader(source);
  }

  parse(): Expression {
    const expression = this.#or();
    if (this.#reader.peek().kind !== 'end') throw this.#reader.expected('AND, OR, an operator or the end of the filter');
    return expression;
  }

  #or(): Expression {
    return this.#chain('OR', 'or', () => this.#chain('AND', 'and', () => this.#not()));
  }

  /** `a AND b AND c` is one call of three arguments. */
  #chain(word: string, op: string, read: () => Expression): Expression {
    const at = this.#reader.here;
    const args = [read()];
    while (this.#reader.takeWord(word)) args.push(read());
    return args.length === 1 ? args[0]! : this.#call(op, args, at);
  }

  #not(): Expression {
    const at = this.#reader.here;
    if (!this.#reader.takeWord('NOT')) return this.#predicate();
    return this.#budget.descend(at, () => this.#call('not', [this.#not()], at));
  }

  #predicate(): Expression {
    const at = this.#reader.here;
    const left = this.#sum();
    const reader = this.#reader;
    if (reader.peek().kind === 'sign' && isComparison(reader.peek().text)) {
      const op = reader.read().text;
      return this.#call(op, [left, this.#sum()], at);
    }
    if (reader.takeWord('IS')) return this.#negated(reader.takeWord('NOT'), at, () => this.#isNull(left, at));
    const isNegated = reader.isWord('NOT') && reader.takeWord('NOT');
    if (reader.takeWord('LIKE')) return this.#negated(isNegated, at, () => this.#call('like', [left, this.#sum()], at));
    if (reader.takeWord('BETWEEN')) return this.#negated(isNegated, at, () => this.#between(left, at));
    if (reader.takeWord('IN')) return this.#negated(isNegated, at, () => this.#in(left, at));
    if (isNegated) throw reader.expected('LIKE, BETWEEN or IN');
    return left;
  }

  #negated(isNegated: boolean, at: Place, read: () => Expression): Expression {
    const expression = read();
    return isNegated ? this.#call('not', [expression], at) : expression;
  }

  #isNull(operand: Expression, at: Place): Expression {
    this.#reader.expectWord('NULL');
    return this.#call('isNull', [operand], at);
  }

  #between(operand: Expression, at: Place): Expression {
    const low = this.#sum();
    this.#reader.expectWord('AND');
    return this.#call('between', [operand, low, this.#sum()], at);
  }

  #in(operand: Expression, at: Place): Expression {
    const listAt = this.#reader.here;
    this.#reader.expectSign('(');
    const values: Expression = { kind: 'array', items: this.#list(')'), at: this.#counted(listAt) };
    return this.#call('in', [operand, values], at);
  }

  #sum(): Expression {
    return this.#operators(['+', '-'], () => this.#product());
  }

  #product(): Expression {
    return this.#operators(['*', '/', '%', 'DIV'], () => this.#power());
  }

  /** Operators of one precedence, read from the left. */
  #operators(signs: readonly string[], read: () => Expression): Expression {
    const at = this.#reader.here;
    let left = read();
    for (;;) {
      const sign = signs.find((name) => (name === 'DIV' ? this.#reader.isWord(name) : this.#reader.isSign(name)));
      if (sign === undefined) return left;
      this.#reader.read();
      left = this.#call(sign.toLowerCase(), [left, read()], at);
    }
  }

  /** `a ^ b ^ c` is read from the right. */
  #power(): Expression {
    const at = this.#reader.here;
    const base = this.#signed();
    if (!this.#reader.takeSign('^')) return base;
    return this.#budget.descend(at, () => this.#call('^', [base, this.#power()], at));
  }

  #signed(): Expression {
    const reader = this.#reader;
    const at = reader.here;
    if (!reader.isSign('-') && !reader.isSign('+')) return this.#value();
    if (reader.peek(1).kind === 'number') return numberLiteral(reader.expectNumber(), this.#counted(at));
    const isNegative = reader.read().text === '-';
    return this.#budget.descend(at, () => {
      const operand = this.#signed();
      return isNegative ? this.#call('*', [numberLiteral(-1, at), operand], at) : operand;
    });
  }

  #value(): Expression {
    const reader = this.#reader;
    const token = reader.peek();
    const at = this.#counted(placeOf(token));
    if (token.kind === 'number') return numberLiteral(reader.expectNumber(), at);
    if (token.kind === 'text') return textLiteral(reader.read().text, at);
    if (token.kind === 'name') return { kind: 'property', name: textLiteral(reader.read().text, at).value as string, type: 'any', at };
    if (reader.takeSign('(')) return this.#budget.descend(at, () => this.#parenthesised());
    if (reader.takeSign('[')) return this.#budget.descend(at, () => this.#array(']', at));
    if (token.kind !== 'word' || reserved.has(token.text.toUpperCase())) throw reader.expected('a property, a value, a function or \'(\'');
    return this.#word(at);
  }

  #parenthesised(): Expression {
    const inner = this.#or();
    this.#reader.expectSign(')');
    return inner;
  }

  #word(at: Place): Expression {
    const reader = this.#reader;
    if (isWkt(reader)) return geometryLiteral(readWkt(reader), at);
    const { text } = reader.read();
    const keyword = text.toUpperCase();
    if (keyword === 'TRUE' || keyword === 'FALSE') return { kind: 'literal', value: keyword === 'TRUE', at };
    if (!reader.isSign('(')) return { kind: 'property', name: text, type: 'any', at };
    if (keyword === 'BBOX') return boxLiteral(readBox(reader), at);
    return this.#budget.descend(at, () => this.#applied(text, keyword, at));
  }

  /** A word with arguments in parentheses. */
  #applied(name: string, keyword: string, at: Place): Expression {
    const reader = this.#reader;
    reader.expectSign('(');
    if (keyword === 'DATE' || keyword === 'TIMESTAMP') {
      const { text, position } = reader.expectKind('text', keyword === 'DATE' ? 'a date in quotes' : 'a date-time in quotes');
      reader.expectSign(')');
      return instantLiteral(keyword === 'DATE' ? 'date' : 'timestamp', text, `character ${position}`);
    }
    if (keyword === 'INTERVAL') return this.#interval(at);
    const op = operationNamed(name);
    if (op === null) throw new Cql2Error(at, `there is no function '${name.slice(0, 60)}'`);
    return this.#call(op, this.#arguments(op), at);
  }

  /** Where an array is wanted, parentheses hold its elements, be it only one. */
  #arguments(op: string): Expression[] {
    const { takes } = operations.get(op)!;
    let i = 0;
    return this.#list(')', () => (takes[i++] === 'array' ? this.#element() : this.#or()));
  }

  #interval(at: Place): Interval {
    const start = this.#end();
    this.#reader.expectSign(',');
    const end = this.#end();
    this.#reader.expectSign(')');
    return { kind: 'interval', start, end, at };
  }

  #end(): Expression | OpenEnd {
    const { kind, text, position } = this.#reader.peek();
    if (kind !== 'text') return this.#value();
    const at = this.#counted(`character ${position}`);
    this.#reader.read();
    return text === '..' || text === '' ? { kind: 'open', at } : intervalEnd(text, at);
  }

  /** Brackets are those of a draft of the standard, parentheses those of its final form. */
  #array(close: string, at: Place): Expression {
    return { kind: 'array', items: this.#list(close, () => this.#element()), at: this.#counted(at) };
  }

  /** A value; parentheses that hold all of it are those of an array. */
  #element(): Expression {
    const reader = this.#reader;
    const at = reader.here;
    if (!reader.isSign('(') || !isEndOfElement(reader.peek(reader.lengthOfParentheses()))) return this.#or();
    reader.expectSign('(');
    return this.#budget.descend(at, () => this.#array(')', at));
  }

  /** Expressions up to a closing sign. */
  #list(close: string, read: () => Expression = () => this.#or()): Expression[] {
    if (this.#reader.takeSign(close)) return [];
    const entries = [read()];
    while (this.#reader.takeSign(',')) entries.push(read());
    if (!this.#reader.takeSign(close)) throw this.#reader.expected(`',' or '${close}'`);
    return entries;
  }

  #call(op: string, args: readonly Expression[], at: Place): Expression {
    return { kind: 'call', op, args, at: this.#counted(at) };
  }

  #counted(at: Place): Place {
    this.#budget.count(at);
    return at;
  }
}
