"""Workers of a pool that end when whoever began them ends, however that was."""

import os
import threading
from multiprocessing import parent_process


def end_with_parent() -> None:
    """Begin a worker so: a parent that is killed says nothing, and the queue between them keeps silent for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
