"""Work that stations do by themselves after they were asked: firmware updates and uploads of logs.

`progress` moves a job by what the station says, `run` begins and ends jobs by the clock, `links` makes the addresses
that stations are told, `files` keeps what is handed out and what comes in, `words` says all of it in sentences.
"""
