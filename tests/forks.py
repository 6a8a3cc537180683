"""What the process imports first of which the tests' processes are forks: it looks for garbage seldom, as they do."""

from daybreak.garbage import collect_seldom

collect_seldom()
