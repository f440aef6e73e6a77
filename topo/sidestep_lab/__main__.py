# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`./run lab`: runs an experiment file, lists those that come with the project, or removes what a killed lab left."""
import argparse
import importlib.util
import json
import signal
import sys
import time
from pathlib import Path

from . import guard
from .checked_yaml import BadExperiment
from .experiment import FOLDER, listed, read
from .plan import CHECKOUT, REPOSITORY, LabError

TRIED_INTERVAL = "10ms"
TRIED_PATIENCE = 300  # seconds


def say(line):
    print(f"lab: {line}", file=sys.stderr, flush=True)


def show_list(as_json):
    experiments = listed()
    if as_json:
        print(json.dumps(experiments, indent=1))
        return
    for experiment in experiments:
        print(f"{experiment['file']}  ({experiment['minutes']:g} min)\n    {experiment['shows']}")


def clean():
    found = guard.leftovers()
    for todo in found:
        guard.clean(todo)
        say(f"removed {todo['folder']} and its processes")
    if not found:
        say("nothing was left behind")


def file_of(name):
    """A path, or the name of an experiment that comes with the project."""
    path = Path(name)
    shipped = FOLDER / f"{name}.yaml"
    return shipped if not path.exists() and shipped.exists() else path


def check_options(experiment, arguments):
    """A soak has a length in time, and others have repetitions."""
    wrong = {"--repeat": arguments.repeat, "--page": arguments.page} if experiment.events is not None else {"--minutes": arguments.minutes,
                                                                                 "--episode": arguments.episode}
    for option, value in wrong.items():
        if value is not None:
            what = "a soak" if experiment.events is not None else "no soak"
            raise LabError(f"{option} is not for {experiment.name}: that is {what}")


def run(arguments):
    from .net import check_machine, check_routing
    from .runner import Runner
    experiment = read(file_of(arguments.experiment))
    check_options(experiment, arguments)
    for module in ("jinja2", "matplotlib"):
        if not importlib.util.find_spec(module):
            raise LabError(f"no {module}: apt-get install --no-install-recommends python3-{module}")
    check_machine()
    for setup in experiment.setups:
        check_routing(setup.routing)
    say(f"{experiment.name}: {experiment.shows}")
    folder = arguments.output or (REPOSITORY / "build/lab" if CHECKOUT else Path.cwd()) / experiment.name
    if experiment.events is not None:
        return run_soak(experiment, arguments, folder)
    runner = Runner(experiment, arguments.repeat, arguments.seed, say)
    measured = runner.run()
    from . import report, results  # now: matplotlib takes a second, which an interrupted experiment need not wait for
    result, timeline = results.documents(experiment, runner, measured)
    with results.replacing(folder) as fresh:
        results.write(fresh, result, timeline)
        report.write(fresh, experiment, measured, result, timeline)
    if arguments.page:
        report.write_page(arguments.page, experiment, result)
    for warning in result["warnings"]:
        say(f"warning: {warning}")
    for setup in result["setups"]:
        windows = setup["summary"]["loss_window_ms"]
        print(f"{setup['name']}: loss window median {windows['median']:.2f} ms, p99 {windows['p99']:.2f} ms, "
              f"max {windows['max']:.2f} ms, n {windows['n']}")
    print(folder / "report.html")
    return 0


def run_soak(experiment, arguments, folder):
    """Returns 1 if anything was not as promised."""
    from .soak import Soak
    seconds = 60 * (experiment.minutes if arguments.minutes is None else arguments.minutes)
    seed = experiment.seed if arguments.seed is None else arguments.seed
    measured = Soak(experiment, seed, seconds, arguments.episode, say).run()
    from . import results, soak_report
    result = soak_report.document(experiment, seed, measured)
    with results.replacing(folder) as fresh:
        soak_report.write(fresh, experiment, measured, result)
    windows = result["windows"]
    if windows["n"]:
        print(f"{len(measured.episodes)} episodes, {windows['n']} loss windows of protected pairs: median "
              f"{windows['median']:.2f} ms, p99 {windows['p99']:.2f} ms, max {windows['max']:.2f} ms; promised are "
              f"{measured.limit_ms:.2f} ms")
    for violation in result["violations"]:
        print(f"violation, seed {seed}: {violation}")
    print(folder / "report.html")
    return 1 if result["violations"] else 0


def try_topology(file):
    """Brings a lab of this topology up, with Sidestep on every router, and down again."""
    from .net import LabNet, check_machine
    check_machine()
    began = time.monotonic()
    with LabNet(file) as net:
        built = time.monotonic()
        net.start_sidestepd(interval=TRIED_INTERVAL)
        net.wait_up(TRIED_PATIENCE)
        up, routers = time.monotonic(), len(net.routers)
    print(f"{routers} routers: {built - began:.1f} s to build them, {up - began:.1f} s until every session was up and all "
          f"repairs were in force, {time.monotonic() - up:.1f} s to remove them")


def interrupt(number, _frame):
    raise KeyboardInterrupt(number)


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("has to be at least 1")
    return value


def minutes(text):
    value = float(text)
    if not 0 < value <= 1440:
        raise argparse.ArgumentTypeError("has to be above 0, and at most a day")
    return value


def main():
    parser = argparse.ArgumentParser(prog="./run lab", description=__doc__)
    parser.add_argument("experiment", nargs="?", help="an experiment file, or the name of one that --list has")
    parser.add_argument("--repeat", type=positive, help="repetitions per set-up; by default what the file says")
    parser.add_argument("--seed", type=int, help="what chance decides follows from it; by default what the file says")
    parser.add_argument("--minutes", type=minutes, help="how long a soak draws events; by default what the file says")
    parser.add_argument("--episode", type=positive, help="this episode of a soak only, to repeat what it found")
    parser.add_argument("--output", type=Path, help="folder of the results; by default one of the experiment's name in "
                        "the current folder, in a checkout in build/lab")
    parser.add_argument("--page", type=Path, help="also write a page of Markdown with its picture, as docs/comparison.md is one")
    parser.add_argument("--list", action="store_true", help="the experiments that come with the project")
    parser.add_argument("--json", action="store_true", help="the list as JSON")
    parser.add_argument("--try", type=Path, metavar="TOPOLOGY", dest="topology", help="bring up a lab of this topology, with "
                        "Sidestep on every router, and say how long it took")
    parser.add_argument("--clean", action="store_true", help="remove what a lab left whose guard was killed too")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        if arguments.list:
            show_list(arguments.json)
        elif arguments.clean:
            clean()
        elif arguments.topology:
            try_topology(arguments.topology)
        elif arguments.experiment:
            return run(arguments)
        else:
            parser.error("name an experiment, or --list")
    except BadExperiment as error:
        print(error, file=sys.stderr)
        return 2
    except LabError as error:
        say(str(error))
        return 1
    except BrokenPipeError:
        return 1  # who read our output has gone
    except KeyboardInterrupt:
        say("interrupted; nothing is left behind")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
