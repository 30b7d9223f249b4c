"""Prose of the processes that make, search and rearrange arrays, and of those on texts and dates."""

ARRAY = 'The array.'
CONTEXT = 'Handed on to the child process.'
EQUALITY = 'Values are compared as ``eq()`` does it, types included. No-data is never found.'
LABELS_KEPT = 'Labels survive only if both arrays have them, and then none may occur twice.'

ARRAYS = {
    'array_append': dict(
        summary='Append one value',
        description='Adds a value at the end of an array.',
        parameters=dict(data=ARRAY, value='The value to add.', label='The label of the new element. Only a labeled array takes one, and the label must be new to it.'),
        returns='The array with one element more.',
        examples=[(dict(data=[1, 2], value=3), [1, 2, 3])],
    ),
    'array_apply': dict(
        summary='Apply a process to each element',
        description='Runs a child process on every element and collects what it gives. The elements do not see each other.',
        parameters=dict(data=ARRAY, process='The child process. It receives the element as `x`, and its `index` and `label`.', context=CONTEXT),
        returns='An array as long as `data`, with the same labels.',
        schemas={'process/returns': 'The new element.'},
    ),
    'array_concat': dict(
        summary='Join two arrays',
        description=f'Puts the second array behind the first. {LABELS_KEPT}',
        parameters=dict(array1='The array in front.', array2='The array behind it.'),
        returns='The joined array.',
        examples=[(dict(array1=['B02', 'B03'], array2=['B04']), ['B02', 'B03', 'B04'])],
    ),
    'array_contains': dict(
        summary='Contains a value',
        description=f'Tells whether a value occurs in an array. {EQUALITY}',
        parameters=dict(data=ARRAY, value='The value to look for.'),
        returns='`true` if the value occurs.',
        examples=[(dict(data=[1, 2, 3], value=2), True), (dict(data=['a', 'b'], value='c'), False), (dict(data=[1, None], value=None), False)],
    ),
    'array_create': dict(
        summary='Make an array',
        description='Makes an array of the given values, repeated as often as asked. In a callback of ``apply_dimension()`` this is the way to give several values back.',
        parameters=dict(data='The values.', repeat='How many times the values follow one another.'),
        returns='The new array.',
        examples=[(dict(data=[1, 2], repeat=2), [1, 2, 1, 2]), (dict(), [])],
    ),
    'array_create_labeled': dict(
        summary='Make a labeled array',
        description='Gives each value a label, so that it can be picked by name.',
        parameters=dict(data='The values.', labels='One label per value, each different.'),
        returns='The labeled array.',
    ),
    'array_element': dict(
        summary='Pick an element',
        description='Takes one element out of an array, by position or by label; along the bands that is the value of one band. Give exactly one of `index` and `label`.',
        parameters=dict(
            data=ARRAY, index='Position, counted from zero.', label='Label of a labeled array, for example a band name.',
            return_nodata='Give no-data for an element that does not exist, instead of failing.'),
        returns='The element.',
        examples=[(dict(data=[9, 8, 7], index=2), 7), (dict(data=[9], index=5, return_nodata=True), None)],
    ),
    'array_filter': dict(
        summary='Keep some elements',
        description='Keeps the elements for which a condition holds, in their order and with their labels.',
        parameters=dict(data=ARRAY, condition='The condition. It receives the element as `x`, and its `index` and `label`.', context=CONTEXT),
        returns='The elements that passed.',
        schemas={'condition/returns': 'Whether the element stays.'},
    ),
    'array_find': dict(
        summary='Find a value',
        description=f'Tells at which position a value occurs first, or last. {EQUALITY}',
        parameters=dict(data=ARRAY, value='The value to look for.', reverse='Look from the end.'),
        returns='The position, counted from zero, or no-data when the value does not occur.',
        examples=[(dict(data=[1, 0, 3, 0], value=0), 1), (dict(data=[1, 0, 3, 0], value=0, reverse=True), 3), (dict(data=[1], value=9), None)],
    ),
    'array_find_label': dict(
        summary='Find a label',
        description='Tells at which position a label stands. An array without labels contains none.',
        parameters=dict(data='The labeled array.', label='The label to look for.'),
        returns='The position, counted from zero, or no-data when there is no such label.',
    ),
    'array_interpolate_linear': dict(
        summary='Fill gaps in an array',
        description='Replaces no-data and NaN between two numbers by the straight line between them. Positions are the labels where they have an order (dates: the true distance in time), else the indices. Gaps at either end stay.',
        parameters=dict(data='The numbers, sorted by label if they have labels.'),
        returns='An array as long as `data`. With fewer than two numbers in it, nothing changes.',
        examples=[(dict(data=[None, 1, None, 6]), [None, 1, 3.5, 6])],
    ),
    'array_labels': dict(
        summary='Labels of an array',
        description='Lists the labels of an array, or the positions from zero when it has none.',
        parameters=dict(data=ARRAY),
        returns='The labels, in the order of the elements.',
        examples=[(dict(data=['x', 'y']), [0, 1])],
    ),
    'array_modify': dict(
        summary='Insert, replace or remove elements',
        description=f'Removes `length` elements from `index` on and puts `values` in their place. With no `length` it inserts, with no `values` it removes. {LABELS_KEPT}',
        parameters=dict(
            data=ARRAY, values='The values to put in.', index='Position, counted from zero, where the change begins. At most the length of the array.',
            length='How many elements to remove; what lies beyond the end is not missed.'),
        returns='The changed array.',
        examples=[(dict(data=['a', 'd', 'c'], values=['b'], index=1, length=1), ['a', 'b', 'c']), (dict(data=[1, 3], values=[2], index=1), [1, 2, 3])],
    ),
    'order': dict(
        summary='Sorting positions',
        description='Tells in which order to take the elements so that they are sorted; ``rearrange()`` takes them. Equal elements keep their order.',
        parameters=dict(
            data='Numbers, or dates.', asc='Smallest first. With `false`, largest first.',
            nodata='Where no-data goes: `true` to the end, `false` to the front, `null` drops it.'),
        returns='Positions, counted from zero.',
        examples=[(dict(data=[6, -1, 2]), [1, 2, 0]), (dict(data=[6, None, 2], nodata=True), [2, 0, 1])],
    ),
    'rearrange': dict(
        summary='Take elements in a given order',
        description='Makes an array of the elements at the given positions. A position may be left out or used twice.',
        parameters=dict(data=ARRAY, order='Positions, counted from zero.'),
        returns='The elements in the new order.',
        examples=[(dict(data=[5, 4, 3], order=[2, 0]), [3, 5])],
    ),
    'sort': dict(
        summary='Sort',
        description='Sorts numbers or dates. Dates are compared as instants, whatever their time zone.',
        parameters=dict(
            data='Numbers, or dates.', asc='Smallest first. With `false`, largest first.',
            nodata='Where no-data goes: `true` to the end, `false` to the front, `null` drops it.'),
        returns='The sorted array.',
        examples=[(dict(data=[6, -1, 2]), [-1, 2, 6]), (dict(data=[6, None, 2], asc=False, nodata=True), [6, 2, None])],
    ),
}

PATTERN = 'The text to look for, taken literally: no regular expressions.'
CASE = 'Whether upper and lower case differ.'


def text_search(summary, description, returns, *examples):
    return dict(
        summary=summary, description=f'{description} No-data in, no-data out.',
        parameters=dict(data='The text to search.', pattern=PATTERN, case_sensitive=CASE),
        returns=returns, examples=examples,
    )


TEXTS = {
    'text_begins': text_search('Text begins with', 'Tells whether a text starts with another.', '`true` if it does.',
                               (dict(data='S2A_MSIL2A', pattern='S2'), True), (dict(data='S2A', pattern='s2', case_sensitive=False), True), (dict(data=None, pattern='S2'), None)),
    'text_ends': text_search('Text ends with', 'Tells whether a text ends with another.', '`true` if it does.',
                             (dict(data='scene.tif', pattern='.tif'), True), (dict(data=None, pattern='.tif'), None)),
    'text_contains': text_search('Text contains', 'Tells whether a text occurs in another.', '`true` if it does.',
                                 (dict(data='S2A_MSIL2A', pattern='MSI'), True), (dict(data='S2A', pattern='s2'), False)),
    'text_find': text_search('Position of a text', 'Tells where in a text another occurs first.', 'The position of its first character, counted from zero, or no-data when it does not occur.',
                             (dict(data='S2A_MSIL2A', pattern='MSI'), 4), (dict(data='S2A', pattern='X'), None)),
    'text_concat': dict(
        summary='Join texts',
        description='Writes the elements one after the other as a single text. Numbers, booleans and no-data are written in lower case, as in JSON.',
        parameters=dict(data='The elements.', separator='What stands between two elements.'),
        returns='The joined text.',
        examples=[(dict(data=['Hello', 'World'], separator=' '), 'Hello World'), (dict(data=[1, True, None], separator=','), '1,true,null')],
    ),
}

UTC = 'Instants are compared in UTC; a date without a time means midnight.'

DATES = {
    'date_between': dict(
        summary='Instant within a range',
        description=f'Tells whether an instant lies from `min` to `max`, both included unless `exclude_max` is set. Swapped bounds contain nothing. {UTC}',
        parameters=dict(x='The instant to check.', min='Lower bound, included.', max='Upper bound, included unless `exclude_max` is set.', exclude_max='Leave the upper bound out of the range.'),
        returns='`true` if the instant is in the range.',
        examples=[(dict(x='2020-06-15', min='2020-06-01', max='2020-06-30'), True), (dict(x='2020-07-01', min='2020-06-01', max='2020-07-01', exclude_max=True), False)],
    ),
    'date_difference': dict(
        summary='Time between two instants',
        description=f'Tells how much time passes from `date1` to `date2`; negative if `date2` is the earlier one. {UTC}',
        parameters=dict(date1='Where the time starts.', date2='Where it ends.', unit='Unit of the result.'),
        returns='The difference, with a fraction if need be.',
        examples=[(dict(date1='2020-01-01', date2='2020-01-03', unit='day'), 2), (dict(date1='2020-01-01T00:00:10Z', date2='2020-01-01T00:00:00Z'), -10)],
    ),
    'date_shift': dict(
        summary='Move an instant',
        description='Adds a span of time to a date or instant, or subtracts it. Days, weeks, months and years leave the time of day alone; a day that the target month does not have becomes its last one (31 January plus a month is the end of February).',
        parameters=dict(
            date='The date, with or without a time.', value='How many units to add; negative to subtract.',
            unit='Unit of `value`. On a date without a time, units below a day count from midnight.'),
        returns='The new date, with a time if the given one had it.',
        examples=[(dict(date='2020-01-31', value=1, unit='month'), '2020-02-29'), (dict(date='2018-01-01T00:00:00Z', value=-5, unit='minute'), '2017-12-31T23:55:00Z')],
    ),
}

PROCESSES = {**ARRAYS, **TEXTS, **DATES}
