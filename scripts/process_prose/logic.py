"""Prose of the processes that compare and decide. No-data is the third truth value: unknown."""

ANYTHING = 'A number, text, boolean or no-data.'
UNKNOWN = 'No-data stands for an unknown truth value: the result is no-data where it depends on it.'
TEXT_DATES = 'Texts that look like dates are compared as texts; use ``date_difference()`` or ``date_between()`` for instants.'


def ordering(summary, symbol, words, *examples):
    return dict(
        summary=summary,
        description=(
            f'Tells whether x {symbol} y. Only two numbers can be ordered: any other pair gives `false`, NaN included, '
            f'and no-data on either side gives no-data. {TEXT_DATES}'),
        parameters=dict(x='Left side.', y='Right side.'),
        returns=f'`true` if `x` is {words} `y`.',
        examples=[(dict(x=a, y=b), result) for a, b, result in examples],
    )


def equality(summary, description, returns, *examples):
    return dict(
        summary=summary,
        description=f'{description} Types count: the text "1" is not the number 1. No-data on either side gives no-data, and NaN equals nothing. {TEXT_DATES}',
        parameters=dict(
            x=ANYTHING, y=ANYTHING,
            delta='For numbers: how far apart they may be and still count as equal.',
            case_sensitive='For texts: whether upper and lower case differ.'),
        returns=returns,
        examples=examples,
    )


COMPARISON = {
    'eq': equality('Equal', 'Tells whether two values are the same.', '`true` if they are equal.',
                   (dict(x=1, y=1.02, delta=0.05), True), (dict(x='B04', y='b04', case_sensitive=False), True), (dict(x=1, y=None), None)),
    'neq': equality('Not equal', 'Tells whether two values differ; the opposite of ``eq()``.', '`true` if they differ.',
                    (dict(x=1, y=2), True), (dict(x=1, y='1'), True), (dict(x=1, y=None), None)),
    'gt': ordering('Greater than', '>', 'above', (2, 1, True), (1, 1, False), (1, None, None)),
    'gte': ordering('Greater than or equal', '≥', 'above or equal to', (1, 1, True), (0, 1, False), (1, None, None)),
    'lt': ordering('Less than', '<', 'below', (1, 2, True), (1, 1, False), (1, None, None)),
    'lte': ordering('Less than or equal', '≤', 'below or equal to', (1, 1, True), (2, 1, False), (1, None, None)),
    'between': dict(
        summary='Within a range',
        description='Tells whether a number lies from `min` to `max`, both included unless `exclude_max` is set. Swapped bounds contain nothing. No-data in, no-data out.',
        parameters=dict(x='The value to check.', min='Lower bound, included.', max='Upper bound, included unless `exclude_max` is set.', exclude_max='Leave the upper bound out of the range.'),
        returns='`true` if the value is in the range.',
        examples=[(dict(x=3, min=3, max=5), True), (dict(x=5, min=3, max=5, exclude_max=True), False), (dict(x=None, min=1, max=2), None)],
    ),
    'is_nodata': dict(
        summary='Is no-data',
        description='Tells whether a value is missing. NaN is a value, so it gives `false`; see ``is_nan()``.',
        parameters=dict(x='The value to check.'), returns='`true` for no-data only.',
        examples=[(dict(x=None), True), (dict(x=0), False), (dict(x='none'), False)],
    ),
    'is_nan': dict(
        summary='Is not a number',
        description='Tells whether a value is the IEEE 754 value NaN. No-data is not NaN; see ``is_nodata()``.',
        parameters=dict(x='The value to check.'), returns='`true` for NaN only.',
        examples=[(dict(x=1), False), (dict(x='Test'), False)],
    ),
    'is_infinite': dict(
        summary='Is infinite',
        description='Tells whether a value is plus or minus infinity, for example after a division by zero.',
        parameters=dict(x='The value to check.'), returns='`true` for the two infinities only.',
        examples=[(dict(x=1), False), (dict(x=None), False)],
    ),
    'is_valid': dict(
        summary='Is valid',
        description='Tells whether a value can be computed with: it is neither no-data nor NaN nor infinite. Texts, booleans, arrays and objects are always valid.',
        parameters=dict(x='The value to check.'), returns='`true` if the value is valid.',
        examples=[(dict(x=1), True), (dict(x='Test'), True), (dict(x=None), False)],
    ),
}

LOGIC = {
    'not': dict(
        summary='Negation', description=f'Turns `true` into `false` and the other way round. {UNKNOWN}',
        parameters=dict(x='A truth value.'), returns='The opposite of `x`.',
        examples=[(dict(x=True), False), (dict(x=None), None)],
    ),
    'and': dict(
        summary='Both', description=f'Tells whether both values are true. {UNKNOWN} So `false` with no-data is `false`.',
        parameters=dict(x='A truth value.', y='Another truth value.'), returns='`true` if both are.',
        examples=[(dict(x=True, y=True), True), (dict(x=False, y=None), False), (dict(x=True, y=None), None)],
    ),
    'or': dict(
        summary='At least one of two', description=f'Tells whether one of the two values, or both, are true. {UNKNOWN} So `true` with no-data is `true`.',
        parameters=dict(x='A truth value.', y='Another truth value.'), returns='`true` if at least one is.',
        examples=[(dict(x=False, y=True), True), (dict(x=True, y=None), True), (dict(x=False, y=None), None)],
    ),
    'xor': dict(
        summary='Exactly one of two', description='Tells whether one value is true and the other is not. No-data on either side gives no-data.',
        parameters=dict(x='A truth value.', y='Another truth value.'), returns='`true` if exactly one is.',
        examples=[(dict(x=True, y=False), True), (dict(x=True, y=True), False), (dict(x=True, y=None), None)],
    ),
    'all': dict(
        summary='All of many',
        description='Tells whether every value is true. An empty array gives `true`.',
        parameters=dict(data='Truth values.', ignore_nodata='Leave no-data out. With `false`, no-data counts as unknown, as in ``and()``.'),
        returns='`true` if none is `false`.',
        examples=[(dict(data=[True, True]), True), (dict(data=[True, None]), True), (dict(data=[True, None], ignore_nodata=False), None)],
    ),
    'any': dict(
        summary='At least one of many',
        description='Tells whether one value or more are true. An empty array gives `false`.',
        parameters=dict(data='Truth values.', ignore_nodata='Leave no-data out. With `false`, no-data counts as unknown, as in ``or()``.'),
        returns='`true` if at least one is.',
        examples=[(dict(data=[False, True]), True), (dict(data=[False, None]), False), (dict(data=[False, None], ignore_nodata=False), None)],
    ),
    'if': dict(
        summary='Choose by a condition',
        description='Gives `accept` when the condition holds and `reject` when it does not. A condition that is no-data does not hold. In a callback this makes masks: keep the value where a quality band allows it, else no-data.',
        parameters=dict(value='The condition.', accept='The result if the condition is `true`.', reject='The result otherwise; no-data unless given.'),
        returns='One of the two values.',
        examples=[(dict(value=True, accept='A', reject='B'), 'A'), (dict(value=None, accept='A', reject='B'), 'B'), (dict(value=False, accept=5), None)],
    ),
}

PROCESSES = {**COMPARISON, **LOGIC}
