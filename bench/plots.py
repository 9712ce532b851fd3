# SPDX-License-Identifier: MIT
"""The five pictures of bench/README.md, by gnuplot, each from the figures of one group."""
import statistics
import subprocess

COLOURS = {'stock': '#d95f02', 'ours': '#1b6ca8', 'limit': '#444444', 'gRPC': '#7b3294', 'Thrift': '#1b9e77'}
SIZE = '1600,900'


def quartiles(variant, key):
    low, middle, high = statistics.quantiles([r[key] for r in variant['rounds']], n=4)
    return middle, low, high


def colour(name):
    return next((value for key, value in COLOURS.items() if name.startswith(key)), '#888888')


class Picture:
    """A gnuplot script with its data."""

    def __init__(self, path, title, machine, font=18):
        self.lines = [f'set terminal pngcairo size {SIZE} font "sans,{font}" noenhanced',
                      f'set output "{path}"', 'set grid', 'set bmargin 5', f'set title "{title}"',
                      f'set label "{machine}" at screen 0.99,0.02 right font ",{font - 4}"']
        self.blocks = []

    def add(self, *lines):
        self.lines += lines

    def data(self, rows):
        name = f'$data{len(self.blocks)}'
        self.blocks.append(f'{name} << EOD\n' + '\n'.join(rows) + '\nEOD')
        return name

    def curve(self, title, points, number):
        """x and its middle, low and high."""
        rows = [' '.join(map(str, (x, *figures))) for x, figures in points]
        dashes = 'dt 2' if title.startswith('limit') else ''
        return (f'{self.data(rows)} using 1:2:3:4 with yerrorlines lw 3 {dashes} pt {5 + 2 * number} ps 1.6 '
                f'lc rgb "{colour(title)}" title "{title}"')

    def plot(self, curves):
        self.lines.append('plot ' + ', '.join(curves))

    def draw(self):
        subprocess.run(['gnuplot'], input='\n'.join([*self.blocks, *self.lines]).encode(), check=True)


def curves(picture, scenarios, key, names=None):
    """A curve for each variant, over the scenarios in which it takes part."""
    points = {}
    for scenario in scenarios:
        for variant in scenario['variants']:
            points.setdefault(variant['variant'], []).append((scenario['x'], quartiles(variant, key)))
    return [picture.curve(name, found, number) for number, (name, found) in enumerate(points.items())
            if names is None or name in names]


def servers(found, path):
    variants = sorted(found['scenarios'][0]['variants'], key=lambda v: quartiles(v, 'calls_s')[0])
    picture = Picture(path, 'Calls per second, two strings, one caller, one worker', found['machine'])
    rows, ticks, labels = [], [], []
    for at, variant in enumerate(variants):
        middle, low, high = quartiles(variant, 'calls_s')
        rows.append(f'{middle / 2} {at} {middle / 2} 0.35 {int(colour(variant["variant"])[1:], 16)}')
        labels.append(f'{middle} {at} "{middle:,.0f}"')
        ticks.append(f'"{variant["variant"]}" {at}')
    picture.add('set style fill solid 0.8', f'set ytics ({", ".join(ticks)})', 'set format x "%\'.0f"',
                f'set yrange [-0.6:{len(rows) - 0.4}]', 'set xrange [0:*]', 'set xlabel "calls/s"', 'unset key',
                'set offsets graph 0, graph 0.1, 0, 0')
    picture.plot([f'{picture.data(rows)} using 1:2:3:4:5 with boxxyerror lc rgb variable',
                  f'{picture.data(labels)} using 1:2:3 with labels left offset 1,0'])
    picture.draw()


def sizes(found, path):
    picture = Picture(path, 'Server CPU per call by size of the result, TCP', found['machine'])
    picture.add('set logscale xy', 'set xlabel "bytes of the result"', 'set ylabel "server CPU, µs per call"',
                'set key top left')
    picture.plot(curves(picture, found['scenarios'], 'cpu_us'))
    picture.draw()


def tail(found, path):
    picture = Picture(path, '', found['machine'], 15)
    picture.add('set multiplot layout 1,3 title "Latency by callers, 4 workers, framed, TCP"',
                'set logscale xy', 'set xlabel "callers"', 'set ylabel "milliseconds"', 'set key top left',
                'set xtics (1, 8, 64, 256)')
    rows = [scenario for scenario in found['scenarios'] if scenario['name'].startswith('4 workers')]
    for title, key in (('p50', 'p50_ms'), ('p99', 'p99_ms'), ('p99.9', 'p999_ms')):
        picture.add(f'set title "{title}"')
        picture.plot(curves(picture, rows, key))
    picture.add('unset multiplot')
    picture.draw()


def gather(found, path):
    picture = Picture(path, 'One request made of many calls of 50 ms', found['machine'])
    picture.add('set logscale xy 2', 'set xlabel "calls"', 'set ylabel "latency of the request, ms"',
                'set key top left', 'set yrange [32:*]')
    picture.plot([*curves(picture, found['scenarios'], 'latency_ms'),
                  f'50 lw 3 dt 2 lc rgb "{COLOURS["limit"]}" title "limit: the 50 ms of one call"'])
    picture.draw()


def functions(found, path):
    picture = Picture(path, 'Server CPU per call by number of functions, TCP, the last one called',
                      found['machine'])
    picture.add('set logscale xy', 'set xlabel "functions in the table"', 'set ylabel "server CPU, µs per call"',
                'set key top left')
    picture.plot(curves(picture, found['scenarios'], 'cpu_us'))
    picture.draw()


PICTURES = {'servers': servers, 'results': sizes, 'tail': tail, 'gather': gather, 'functions': functions}


def draw(load, folder):
    """All of them whose figures there are; load gives those of a group."""
    for group, picture in PICTURES.items():
        if (folder / f'{group}.json').exists():
            picture(load(group), folder / f'{group}.png')
