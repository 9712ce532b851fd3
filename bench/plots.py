# SPDX-License-Identifier: MIT
"""Plots of a group's results by gnuplot: a curve over what is varied, or a bar for each variant."""
import statistics
import subprocess


def quartet(x, values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f'{x} {middle} {low} {high}'


def block(title, style, lines, columns='1:2:3:4'):
    """A part of a plot command, and its data."""
    return (f'"-" using {columns} with {style} title "{title}"', '\n'.join(lines) + '\ne\n')


AXES = {'cpu_us': 'server CPU, µs per call', 'latency_ms': 'latency, ms'}


def curve(results):
    """The group's figure over the scenarios' x, a line for each variant."""
    results = [result for result in results if result['x'] is not None]
    figure = results[0]['figure']
    blocks = []
    for i, variant in enumerate(results[0]['variants']):
        lines = [quartet(max(result['x'], 0.5),
                         [r[figure] for r in result['variants'][i]['rounds']])
                 for result in results]
        blocks.append(block(variant['variant'], 'yerrorlines', lines))
    setup = (f'set logscale xy\nset xlabel "{results[0]["group"]}"\n'
             f'set ylabel "{AXES[figure]}"\nset key top left\n')
    return setup, blocks


def bars(results):
    """Server CPU per call in parts of the first variant's, a colour for each of the others."""
    lines, labels = {}, []
    x = 0
    for result in results:
        base, *others = result['variants']
        labels.append(f'"{result["name"]}" {x}')
        for variant in others or [base]:
            parts = [b['cpu_us'] / a['cpu_us'] for a, b in zip(base['rounds'], variant['rounds'])]
            lines.setdefault(variant['variant'], []).append(quartet(x, parts) + ' 0.8')
            x += 1
        x += 1
    setup = (f'set xtics rotate by -30 ({", ".join(labels)})\nset style fill solid 0.5\n'
             f'set xrange [-1:{x}]\nset yrange [0:*]\nset key outside top\n'
             f'set ylabel "server CPU per call, {results[0]["variants"][0]["variant"]} = 1"\n')
    return setup, [block(name, 'boxerrorbars', rows, '1:2:3:4:5') for name, rows in lines.items()]


def plot(path, results):
    """Writes path.png."""
    curved = sum(result['x'] is not None for result in results) > 1
    setup, blocks = (curve if curved else bars)(results)
    script = ('set terminal png size 1100,600\n'
              f'set output "{path}.png"\nset grid ytics\nset title "{path.name}"\n{setup}'
              f'plot {", ".join(command for command, _ in blocks)}\n'
              + ''.join(data for _, data in blocks))
    subprocess.run(['gnuplot'], input=script.encode(), check=True)
