# SPDX-License-Identifier: MIT
"""The figures of the groups as files in bench/results, as tables, and in bench/README.md."""
import json
import re
import statistics

import bench
import plots

RESULTS = bench.HERE / 'results'
README = bench.HERE / 'README.md'
PERCENTILES = ('p50_ms', 'p99_ms', 'p999_ms')


def save(group, found):
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f'{group}.json').write_text(json.dumps(found, indent=1) + '\n')


def load(group):
    return json.loads((RESULTS / f'{group}.json').read_text())


def median(variant, key):
    return statistics.median(r[key] for r in variant['rounds'])


def ratios(variant, base, key):
    """A figure in parts of the same round's of another variant."""
    return [a[key] / b[key] for a, b in zip(variant['rounds'], base['rounds'])]


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f'{middle:.2f} ({low:.2f}-{high:.2f})'


# --- the columns of a table: a title, and what a variant has there beside the first one ---------------

def cpu(variant, base):
    return f'{median(variant, "cpu_us"):,.1f}'


def less_cpu(variant, base):
    return '' if variant is base else spread(ratios(base, variant, 'cpu_us'))


def calls(variant, base):
    return f'{median(variant, "calls_s"):,.0f}'


def more_calls(variant, base):
    return '' if variant is base else spread(ratios(variant, base, 'calls_s'))


def latency(variant, base):
    return f'{median(variant, "latency_ms"):,.1f}'


def wakeups(variant, base):
    return f'{median(variant, "wakeups"):.1f}'


def percentile(key):
    def cell(variant, base):
        own = median(variant, key)
        return f'{own:,.2f}' if variant is base else f'{own:,.2f} ({statistics.median(ratios(variant, base, key)):.2f})'
    return cell


CPU = [('CPU µs/call', cpu), ('times less CPU', less_cpu)]
SPEED = [('calls/s', calls), ('times the calls/s', more_calls)]
COMMON = [*CPU, *SPEED, ('reconnects', lambda variant, base: f'{median(variant, "reconnects"):.0f}'),
          ('peak growth KiB', lambda variant, base: f'{variant["growth_kib"]:,}')]
LATENCIES = [(f'{title} ms (of stock)', percentile(key))
             for title, key in zip(('p50', 'p99', 'p99.9'), PERCENTILES)]
COLUMNS = {
    'gather': [*CPU, ('latency ms', latency), SPEED[1], COMMON[-1]],
    'tail': [*CPU, ('wake-ups/call', wakeups), SPEED[0], *LATENCIES],
    'idle': [CPU[0], SPEED[0], *LATENCIES,
             ('still open', lambda variant, base: f'{variant.get("idle_open", 0):,}'),
             ('KiB each', lambda variant, base: f'{variant.get("idle_kib", 0) / 1000:.1f}')],
}


def instructions():
    """Of the stock plugin and of this one; what stock cannot do has no figure there."""
    rows = [(case, *(f'{row[plugin]:,.0f}' if plugin in row else '' for plugin in ('stock', 'ours')))
            for case, row in load('instructions').items()]
    return bench.table(('case', 'stock', 'this plugin'), rows)


def table(group):
    columns = COLUMNS.get(group, COMMON)
    rows = [(scenario['name'], variant['variant'], *(cell(variant, scenario['variants'][0]) for _, cell in columns))
            for scenario in load(group)['scenarios'] for variant in scenario['variants']]
    text = bench.table(('scenario', 'variant', *(title for title, _ in columns)), rows)
    return f'{text}\n\n{growth(load(group)["scenarios"])}' if group == 'tail' else text


def growth(scenarios):
    """What a call costs with the most callers, in parts of what it costs with one."""
    setups = {}
    for scenario in scenarios:
        setups.setdefault(scenario['name'].rpartition(', ')[0], []).append(scenario)
    rows = []
    for name, (first, *_, last) in setups.items():
        parts = {a['variant']: statistics.median(ratios(b, a, 'cpu_us'))
                 for a, b in zip(first['variants'], last['variants'])}
        rows.append((name, *(f'{parts[variant]:.2f}' for variant in ('stock', 'ours')),
                     f'{parts["ours"] / parts["stock"]:.2f}'))
    return bench.table(('CPU per call, 256 callers in parts of 1', 'stock', 'ours', 'ours / stock'), rows)


def write():
    """Draws the pictures and puts every group's table into the README, between its two marks."""
    plots.draw(load, RESULTS)

    def block(match):
        group = match.group(1)
        if not (RESULTS / f'{group}.json').exists():
            return match.group(0)
        text = instructions() if group == 'instructions' else f'{load(group)["machine"]}.\n\n{table(group)}'
        return f'<!-- {group} -->\n\n{text}\n\n<!-- end -->'
    README.write_text(re.sub(r'<!-- (\w+) -->\n.*?<!-- end -->', block, README.read_text(),
                             flags=re.S))
