"""Prose of the processes that reduce or accumulate an array of numbers."""

NUMBERS = 'The numbers.'
IGNORE = 'Leave no-data values out. With `false`, a single no-data value makes the result no-data.'
ALL_NODATA = 'An array without a valid value gives no-data.'


def reducer(summary, description, returns, *examples):
    """A process of `data` and `ignore_nodata`; examples are (data, result) or (data, result, False)."""
    return dict(
        summary=summary,
        description=description,
        parameters=dict(data=NUMBERS, ignore_nodata=IGNORE),
        returns=returns,
        examples=[
            (dict(data=data, **({} if not flag else dict(ignore_nodata=flag[0]))), result)
            for data, result, *flag in examples
        ],
    )


STATISTICS = {
    'sum': reducer('Sum', f'Adds up the numbers. {ALL_NODATA}', 'The sum.', ([1, 2, 4], 7), ([1, None, 4], 5), ([1, None, 4], None, False)),
    'product': reducer('Product', f'Multiplies the numbers with each other. {ALL_NODATA}', 'The product.', ([2, 3, 4], 24), ([2, None], 2), ([2, None], None, False)),
    'min': reducer('Minimum', f'Finds the smallest number. {ALL_NODATA}', 'The smallest number.', ([3, -1, 2], -1), ([3, None], 3), ([3, None], None, False), ([], None)),
    'max': reducer('Maximum', f'Finds the largest number. {ALL_NODATA}', 'The largest number.', ([3, -1, 2], 3), ([3, None], 3), ([3, None], None, False), ([], None)),
    'mean': reducer(
        'Arithmetic mean', f'Divides the sum of the numbers by how many there are. {ALL_NODATA}',
        'The mean.', ([1, 0, 3, 2], 1.5), ([9, None, 3], 6), ([9, None, 3], None, False), ([], None)),
    'median': reducer(
        'Median', f'The value in the middle of the sorted numbers; with an even count, the mean of the two in the middle. A robust way to make a composite of many dates. {ALL_NODATA}',
        'The median.', ([1, 9, 2], 2), ([1, 2, 3, 10], 2.5), ([1, None], None, False), ([], None)),
    'variance': reducer(
        'Sample variance', f'How widely the numbers scatter about their mean: the sum of squared deviations divided by n − 1. {ALL_NODATA}',
        'The sample variance.', ([1, 2, 3], 1), ([1, 2, None, 3], 1), ([1, None], None, False)),
    'sd': reducer(
        'Sample standard deviation', f'The square root of ``variance()``, in the unit of the numbers. {ALL_NODATA}',
        'The sample standard deviation.', ([1, 2, 3], 1), ([1, 2, None, 3], 1), ([1, None], None, False)),
    'extrema': dict(
        summary='Minimum and maximum',
        description='Finds the smallest and the largest number in one pass.',
        parameters=dict(data=NUMBERS, ignore_nodata='Leave no-data values out. With `false`, a single no-data value makes both results no-data.'),
        returns='Two numbers: the minimum, then the maximum. Both are no-data when there is no valid value.',
        examples=[(dict(data=[1, 0, 3, 2]), [0, 3]), (dict(data=[]), [None, None])],
    ),
    'quantiles': dict(
        summary='Quantiles',
        description=(
            'Computes the values below which given shares of the numbers lie, interpolating linearly between neighbours '
            '(type 7 of Hyndman and Fan, the default of numpy and R). Give either `probabilities` or the older `q`, not both.'),
        parameters=dict(
            data=NUMBERS,
            probabilities='The shares, ascending, from 0 to 1. An integer n stands for the inner borders of n parts of equal size: 4 gives the three quartiles.',
            q='Older way to give the number of parts. Use `probabilities` instead.',
            ignore_nodata='Leave no-data values out. With `false`, a single no-data value makes every quantile no-data.'),
        returns='One value per share, in the order given. All are no-data when there is no valid value.',
        schemas={
            'probabilities/0': dict(title='Probabilities'),
            'probabilities/1': dict(title='Number of parts'),
        },
        examples=[(dict(data=[1, 2, 3, 4, 5], probabilities=[0, 0.5, 1]), [1, 3, 5]), (dict(data=[1, 2, 3, 4, 5], probabilities=4), [2, 3, 4])],
    ),
    'count': dict(
        summary='Count elements',
        description='Counts the valid elements, or those that meet a condition. Valid is what ``is_valid()`` says: neither no-data nor NaN nor infinite.',
        parameters=dict(
            data='Elements of any type.',
            condition='What to count: `null` for valid elements, `true` for all, or a condition that is evaluated for each element. `false` is refused.',
            context='Handed on to the condition.'),
        returns='How many elements were counted.',
        schemas={
            'condition/0': dict(title='Condition', description='Evaluated for each element.'),
            'condition/0/returns': 'Whether the element counts.',
            'condition/1': dict(title='All elements'),
            'condition/2': dict(title='Valid elements'),
        },
        examples=[(dict(data=[1, None, 3]), 2), (dict(data=[1, None, 3], condition=True), 3)],
    ),
}

PICKING = {
    'first': dict(
        summary='First element',
        description='Takes the first element of an array; along time, the earliest valid observation. An array without a valid value gives no-data.',
        parameters=dict(data='Elements of any type.', ignore_nodata='Skip no-data values at the front. With `false`, take the first element whatever it is.'),
        returns='The first element.',
        examples=[(dict(data=[None, 2, 3]), 2), (dict(data=[None, 2, 3], ignore_nodata=False), None)],
    ),
    'last': dict(
        summary='Last element',
        description='Takes the last element of an array; along time, the latest valid observation. An array without a valid value gives no-data.',
        parameters=dict(data='Elements of any type.', ignore_nodata='Skip no-data values at the end. With `false`, take the last element whatever it is.'),
        returns='The last element.',
        examples=[(dict(data=[1, 2, None]), 2), (dict(data=[1, 2, None], ignore_nodata=False), None)],
    ),
}

RUNNING = 'Leave no-data values out: they stay no-data at their place and the running value goes on behind them. With `false`, everything from the first no-data value on is no-data.'


def cumulative(summary, what, *examples):
    return dict(
        summary=summary,
        description=f'Goes through the array from front to back and puts at each place {what} seen so far.',
        parameters=dict(data=NUMBERS, ignore_nodata=RUNNING),
        returns='An array as long as `data`.',
        examples=[(dict(data=data), result) for data, result in examples],
    )


CUMULATIVE = {
    'cumsum': cumulative('Running sum', 'the sum of the numbers', ([1, 3, 5], [1, 4, 9]), ([1, None, 5], [1, None, 6])),
    'cumproduct': cumulative('Running product', 'the product of the numbers', ([1, 3, 5], [1, 3, 15]), ([2, None, 5], [2, None, 10])),
    'cummin': cumulative('Running minimum', 'the smallest number', ([5, 3, 4], [5, 3, 3]), ([5, None, 4], [5, None, 4])),
    'cummax': cumulative('Running maximum', 'the largest number', ([1, 3, 2], [1, 3, 3]), ([1, None, 5], [1, None, 5])),
}

PROCESSES = {**STATISTICS, **PICKING, **CUMULATIVE}
