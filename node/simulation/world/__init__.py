"""A small world in virtual time: machines with faulty disks, links with faults, and what must hold all the same."""
