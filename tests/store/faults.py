"""Every call of a small build that changes the file system fails once, with EIO as on a bad disk,
or from there on, with ENOSPC as on a full one. Each time the build ends with a message that names
object and reason, nothing that is not whole has a final name, and the next build is the same as if
nothing had been. Two builds: all from nothing, and one layer put anew into an image that is there.

Usage: faults.py NESTCTL LAB WORK EVERY (1: every call; 100: a sample of them)"""
import os
import re
import sys

from lab import Lab, Report, moments, tree_state

REASONS = {"EIO": "Input/output error", "ENOSPC": "No space left on device"}


def names_object(run):
    """The message has the name of what could not be written, or of the folder it is in."""
    path = re.sub(r"\.tmp-\d+$", "", run.what.split(" ", 1)[1])
    return any(name in run.text for name in (os.path.basename(path), os.path.dirname(path)))


def check_failed(lab, report, where, run, reason, images, objects):
    where = f"{where} ({run.what})"
    if run.status == 0:
        # What is of no account for the result may fail, or be done another way, if it is said.
        said = "warning: " in run.text or "the whole image is made anew: " in run.text
        report.expect(said, where, "succeeded without a word")
        report.expect(lab.image() == images[1], where, "succeeded with other bytes")
    else:
        report.expect(run.status == 1, where, f"status {run.status}: {run.text[-300:]}")
    report.expect(reason in run.text, where, f"no reason: {run.text[-300:]}")
    report.expect(names_object(run), where, f"no object: {run.text[-300:]}")
    report.expect(lab.image() in (None, *images), where, "the image is not whole")
    for name, found in lab.objects().items():
        report.expect(found == objects.get(name), where, f"{name} is not whole")
    report.expect(not lab.leftovers(), where, f"left behind: {lab.leftovers()}")


def check_next(lab, report, where, stack, images, objects, seen):
    """Not again where an earlier failure left the very same."""
    state = tree_state(lab.root)
    if state in seen:
        return
    seen.add(state)
    run = lab.build(stack)
    report.expect(run.status == 0, where, f"the next build fails: {run.text[-300:]}")
    report.expect(lab.image() == images[1], where, "the next build gives other bytes")
    report.expect(lab.objects() == objects, where, "the next build has other objects")


def every_call(lab, report, start, stack, every):
    """How many calls failed."""
    lab.load(start)
    before = lab.image()
    numbers, calls = moments(lab, stack, "EIO", every)
    images, objects = (before, lab.image()), lab.objects()
    struck, seen = 0, set()
    for order, at in enumerate(numbers):
        # The short form takes turns.
        for how in REASONS if every == 1 else [list(REASONS)[order % 2]]:
            lab.load(start)
            stays = {"FAULT_STAYS": 1} if how == "ENOSPC" else {}
            run = lab.build(stack, FAULT_AT=at, FAULT_HOW=how, **stays)
            where = f"{start}, call {at}, {how}"
            report.expect(run.what, where, "was not reached")
            if run.what:
                struck += 1
                check_failed(lab, report, where, run, REASONS[how], images, objects)
                check_next(lab, report, where, stack, images, objects, seen)
    print(f"{start}: {struck} failures at {len(numbers)} of {calls} calls, {len(seen)} different "
          "ends", flush=True)
    return struck


def main(nestctl, folder, work, every):
    lab, report = Lab(nestctl, folder, work), Report()
    lab.save("nothing")
    lab.build("lab")
    lab.save("built")
    struck = every_call(lab, report, "nothing", "lab", int(every))
    struck += every_call(lab, report, "built", "other", int(every))
    print(f"{struck} failures, {report.wrong} wrong")
    return report.wrong > 0 or struck == 0


sys.exit(main(*sys.argv[1:]))
