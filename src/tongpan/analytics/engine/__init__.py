"""From a metric's specification to SQL, without touching anything: no ORM, no clock, no files.

spec.py      what a metric, a fact and a dimension are, and the checks of a catalogue
plan.py      a request for metrics -> relations of ir.py        blocks.py   one fact's part of a plan
ir.py        the small relational language between the two      registry.py the functions of each engine
compile.py   relations -> SQL of one engine, whitelisted nodes only
calendar.py  keys, labels and periods of days, weeks, months, quarters and years
"""
