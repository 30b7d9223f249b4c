"""Prose of the arithmetic processes: one number in, one number out."""

NODATA = 'No-data in, no-data out.'
EITHER_NODATA = 'If either argument is no-data, so is the result.'
RADIANS = 'An angle in radians.'


def unary(summary, description, x, returns, *examples):
    """A process with the one parameter `x` that passes no-data through."""
    return dict(
        summary=summary,
        description=f'{description}\n\n{NODATA}',
        parameters=dict(x=x),
        returns=returns,
        examples=[(dict(x=value), result) for value, result in examples],
    )


def binary(summary, description, x, y, returns, *examples):
    """A process of `x` and `y` that gives no-data when either is."""
    return dict(
        summary=summary,
        description=f'{description}\n\n{EITHER_NODATA}',
        parameters=dict(x=x, y=y),
        returns=returns,
        examples=[(dict(x=a, y=b), result) for a, b, result in examples],
    )


ARITHMETIC = {
    'absolute': unary(
        'Absolute value', 'Drops the sign of a number: |x|.',
        'The number whose sign is dropped.', 'The magnitude of `x`, never negative.',
        (-3.5, 3.5), (0, 0), (None, None)),
    'add': binary(
        'Sum of two numbers', 'Computes x + y in double precision.',
        'The first summand.', 'The second summand.', 'x + y.', (5, 2.5, 7.5), (1, None, None)),
    'subtract': binary(
        'Difference of two numbers', 'Computes x − y in double precision.',
        'The number to subtract from.', 'The number to subtract.', 'x − y.', (5, 2.5, 2.5), (1, None, None)),
    'multiply': binary(
        'Product of two numbers', 'Computes x · y in double precision.',
        'The first factor.', 'The second factor.', 'x · y.', (5, 2.5, 12.5), (1, None, None)),
    'divide': binary(
        'Quotient of two numbers',
        'Computes x / y in double precision. Dividing by zero does not fail: it gives plus or minus infinity, and NaN for 0 / 0, as IEEE 754 lays down.',
        'The number to divide.', 'The number to divide by.', 'x / y.', (5, 2.5, 2), (-2, 4, -0.5), (1, None, None)),
    'mod': binary(
        'Remainder',
        'Computes what is left after dividing x by y as often as it goes. The result takes the sign of the divisor `y`, as in Python, and unlike in C or JavaScript. A divisor of zero does not fail: the sign of `x` decides between plus and minus infinity, and 0 mod 0 is NaN.',
        'The number to divide.', 'The number to divide by.', 'The remainder, with the sign of `y`.',
        (27, 5, 2), (-27, 5, 3), (27, -5, -3), (None, 5, None)),
    'sgn': unary(
        'Sign of a number', 'Tells on which side of zero a number lies. NaN stays NaN.',
        'The number to look at.', '1 for a positive number, −1 for a negative one, 0 for zero.',
        (-2, -1), (3.5, 1), (0, 0), (None, None)),
    'clip': dict(
        summary='Limit to a range',
        description=f'Pulls a number that lies outside the range from `min` to `max` to the nearer bound and leaves the others as they are. {NODATA}',
        parameters=dict(x='The number to limit.', min='The lowest value of the result.', max='The highest value of the result.'),
        returns='`x`, or the bound that it crossed.',
        examples=[(dict(x=-5, min=-1, max=1), -1), (dict(x=0.3, min=-1, max=1), 0.3), (dict(x=None, min=-1, max=1), None)],
    ),
    'linear_scale_range': dict(
        summary='Map one range onto another',
        description=(
            'Moves a number linearly from the input range to the output range: '
            '`((x − inputMin) / (inputMax − inputMin)) · (outputMax − outputMin) + outputMin`. '
            'A number outside the input range lands outside the output range; put ``clip()`` before it if that is unwanted. '
            f'Typical use: digital numbers to reflectance, or an index to the range of a byte. {NODATA}'),
        parameters=dict(
            x='The number to map.', inputMin='Lower end of the input range.', inputMax='Upper end of the input range.',
            outputMin='Lower end of the output range.', outputMax='Upper end of the output range.'),
        returns='The mapped number.',
        examples=[(dict(x=0.3, inputMin=-1, inputMax=1, outputMin=0, outputMax=255), 165.75), (dict(x=25.5, inputMin=0, inputMax=255), 0.1)],
    ),
    'normalized_difference': dict(
        summary='Normalized difference',
        description=(
            'Computes (x − y) / (x + y), the form shared by many indices: NDVI from near infrared and red, NDWI from green and near infrared, '
            'NBR from near infrared and short-wave infrared. Where the sum is zero, the rules of ``divide()`` hold.'),
        parameters=dict(x='Value of the first band.', y='Value of the second band.'),
        returns='A number between −1 and +1 when both bands are non-negative.',
        examples=[(dict(x=3000, y=1000), 0.5)],
    ),
}

ROUNDING = {
    'int': unary(
        'Integer part', 'Cuts off the digits after the decimal point, so that numbers move towards zero. ``floor()`` moves negative numbers away from it.',
        'The number to truncate.', 'The integer part of `x`.', (3.7, 3), (-3.7, -3), (None, None)),
    'ceil': unary(
        'Round up', 'Gives the smallest integer that is not below `x`.',
        'The number to round.', 'The next integer upwards.', (1.2, 2), (-1.2, -1), (None, None)),
    'floor': unary(
        'Round down', 'Gives the largest integer that is not above `x`.',
        'The number to round.', 'The next integer downwards.', (1.8, 1), (-1.2, -2), (None, None)),
    'round': dict(
        summary='Round to a precision',
        description=f'Rounds to `p` digits after the decimal point. A number exactly half-way goes to the even neighbour (2.5 to 2, 3.5 to 4), which keeps long series free of bias. {NODATA}',
        parameters=dict(
            x='The number to round.',
            p='Digits to keep after the decimal point. Negative: round before it, so that −2 gives whole hundreds.'),
        returns='The rounded number.',
        examples=[(dict(x=2.5), 2), (dict(x=3.56, p=1), 3.6), (dict(x=1234.5, p=-2), 1200)],
    ),
}

EXPONENTIAL = {
    'power': dict(
        summary='Power',
        description=f'Raises `base` to the power of `p`. {EITHER_NODATA}',
        parameters=dict(base='The number that is raised.', p='The exponent.'),
        returns='`base` to the power of `p`.',
        examples=[(dict(base=2, p=10), 1024), (dict(base=4, p=0.5), 2), (dict(base=1, p=None), None)],
    ),
    'sqrt': unary(
        'Square root', 'Gives the non-negative number whose square is `x`. A negative number gives NaN.',
        'A number from zero upwards.', 'The square root.', (9, 3), (0, 0), (None, None)),
    'exp': dict(
        summary='Exponential function',
        description=f'Raises Euler\'s number to the power of `p`. {NODATA}',
        parameters=dict(p='The exponent.'),
        returns='e to the power of `p`.',
        examples=[(dict(p=0), 1), (dict(p=None), None)],
    ),
    'ln': unary(
        'Natural logarithm', 'The inverse of ``exp()``. Zero gives minus infinity and a negative number NaN.',
        'A positive number.', 'The logarithm of `x` to the base e.', (1, 0), (None, None)),
    'log': dict(
        summary='Logarithm to a base',
        description=f'Tells to which power `base` must be raised to give `x`. Zero gives minus infinity and a negative number NaN. {EITHER_NODATA}',
        parameters=dict(x='A positive number.', base='The base, positive and not 1.'),
        returns='The logarithm of `x` to the given base.',
        examples=[(dict(x=100, base=10), 2), (dict(x=8, base=2), 3), (dict(x=None, base=2), None)],
    ),
}

CONSTANTS = {
    'e': dict(summary='Euler\'s number', description='The base of the natural logarithm, about 2.71828, in double precision.', returns='Euler\'s number.'),
    'pi': dict(summary='Pi', description='The ratio of a circle\'s circumference to its diameter, about 3.14159, in double precision.', returns='Pi.'),
    'nan': dict(
        summary='Not a number',
        description='The IEEE 754 value NaN. It is a number without a value and is something other than no-data (`null`): Lamina keeps the two apart in every computation.',
        returns='NaN.'),
    'constant': dict(
        summary='A value of your choice',
        description='Gives the value back unchanged. Useful where a process graph needs a node, for example for a number that several nodes share.',
        parameters=dict(x='The value.'),
        returns='The same value.',
        examples=[(dict(x=10000), 10000)],
    ),
}

TRIGONOMETRIC = {
    'sin': unary('Sine', 'The sine of an angle.', RADIANS, 'A number from −1 to 1.', (0, 0), (None, None)),
    'cos': unary('Cosine', 'The cosine of an angle.', RADIANS, 'A number from −1 to 1.', (0, 1), (None, None)),
    'tan': unary('Tangent', 'The tangent of an angle.', RADIANS, 'The tangent.', (0, 0), (None, None)),
    'sinh': unary('Hyperbolic sine', 'Half the difference of exp(x) and exp(−x).', 'A number.', 'The hyperbolic sine.', (0, 0), (None, None)),
    'cosh': unary('Hyperbolic cosine', 'Half the sum of exp(x) and exp(−x).', 'A number.', 'The hyperbolic cosine, at least 1.', (0, 1), (None, None)),
    'tanh': unary('Hyperbolic tangent', 'The ratio of ``sinh()`` to ``cosh()``.', 'A number.', 'A number from −1 to 1.', (0, 0), (None, None)),
    'arcsin': unary('Inverse sine', 'The angle whose sine is `x`. Outside of −1 to 1 the result is NaN.', 'A number from −1 to 1.', 'An angle from −π/2 to π/2 in radians.', (0, 0), (None, None)),
    'arccos': unary('Inverse cosine', 'The angle whose cosine is `x`. Outside of −1 to 1 the result is NaN.', 'A number from −1 to 1.', 'An angle from 0 to π in radians.', (1, 0), (None, None)),
    'arctan': unary('Inverse tangent', 'The angle whose tangent is `x`.', 'A number.', 'An angle from −π/2 to π/2 in radians.', (0, 0), (None, None)),
    'arsinh': unary('Inverse hyperbolic sine', 'The number whose hyperbolic sine is `x`.', 'A number.', 'The inverse hyperbolic sine.', (0, 0), (None, None)),
    'arcosh': unary('Inverse hyperbolic cosine', 'The non-negative number whose hyperbolic cosine is `x`. Below 1 the result is NaN.', 'A number from 1 upwards.', 'The inverse hyperbolic cosine.', (1, 0), (None, None)),
    'artanh': unary('Inverse hyperbolic tangent', 'The number whose hyperbolic tangent is `x`. −1 and 1 give minus and plus infinity; beyond them the result is NaN.', 'A number from −1 to 1.', 'The inverse hyperbolic tangent.', (0, 0), (None, None)),
    'arctan2': dict(
        summary='Angle of a vector',
        description=f'The angle between the positive x axis and the vector (x, y). Unlike ``arctan()`` it tells all four quadrants apart. Note the order of the parameters: `y` comes first. {EITHER_NODATA}',
        parameters=dict(y='Component along the y axis.', x='Component along the x axis.'),
        returns='An angle from −π to π in radians.',
        examples=[(dict(y=0, x=1), 0), (dict(y=None, x=2), None)],
    ),
}

PROCESSES = {**ARITHMETIC, **ROUNDING, **EXPONENTIAL, **CONSTANTS, **TRIGONOMETRIC}
