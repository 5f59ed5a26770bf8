"""A limit on everything, named with its unit; each with the sketch that chose it."""

# A family has 4 members on average and 30 at most (domain: family_size <= 30); 30 members x 70 answers x 60 bytes
# is 126 KB. Twice that leaves room for long remarks and for questions added later.
EVENT_BYTES_MAX = 262_144

# A sync of 25 households is one or two requests; 50 events of 5 KB commit in one transaction in under 20 ms.
EVENTS_PER_PUSH_MAX = 50

# 50 events of the average size with a few large ones among them, inflated. Bounded while inflating.
BODY_BYTES_MAX = 4 * 1024 * 1024

# gzip of JSON is 5-20x; a body that is still larger than this as sent is no honest push.
BODY_COMPRESSED_BYTES_MAX = 2 * 1024 * 1024

# A household lives for years with some 10 events a year; beyond this the event is stored and held.
CONTEXT_MAX = 1_024

# Events filed under several households: a split or a link names two or three.
ALSO_MAX = 16

# JSON deeper than this is not one of our documents (an envelope is 6 deep).
JSON_DEPTH_MAX = 32

# One `hello` names the refs sealed since the last contact; ten days of work of one officer.
STAMPS_PER_HELLO_MAX = 500

# What a tablet tells of its forms: a version a week for a year of two forms, and drafts of a whole village.
FORMS_ON_TABLET_MAX = 200
DRAFTS_MAX = 10_000

# `have`: a tablet keeps a campaign (a few hundred households, a few events each) and asks in pages.
HAVE_PER_REQUEST_MAX = 1_000

# One page of the device feed: some 25 KB a full household with its signed events.
FEED_PAGE_MAX = 100
FEED_PAGE_DEFAULT = 50

# One page of the central pull.
PULL_PAGE_MAX = 10_000
PULL_PAGE_DEFAULT = 1_000

# A sealed box of a deposit: one push body, encrypted.
DEPOSIT_BYTES_MAX = BODY_BYTES_MAX + 65_536
DEPOSITS_PER_INSTALL_MAX = 200

# One photo or signature. The app scales photos to 1,024 px (200-400 KB); an untouched picture of a 50-megapixel
# camera is 12-20 MB.
BLOB_BYTES_MAX = 32 * 1024 * 1024

# One PATCH of an upload: kept in memory until it is on the disk, so 16 threads hold 16 MiB of photos at the most.
BLOB_CHUNK_BYTES_MAX = 1024 * 1024

# Bytes that one tablet may have begun and not finished. A tablet sends one file at a time; four of the largest leave
# room for files that could not be finished because their event names a wrong hash.
BLOB_UNFINISHED_BYTES_PER_INSTALL_MAX = 4 * BLOB_BYTES_MAX

# Photos stop this far before the disk is full, so that forms (and the log of the database) still find room.
BLOB_FREE_BYTES_MIN = 512 * 1024 * 1024

# A tablet that was away longer than this begins an unfinished file again from its first byte.
BLOB_UNFINISHED_DAYS = 30

# Bytes that no event names: after a restore from an older backup tablets have a month to offer the events again.
BLOB_UNNAMED_DAYS = 30

# An image is decoded only below these: a 50-megapixel camera takes 8,192 x 6,144; a panorama is long and low. At 3
# bytes a pixel that is 156 MB for the one process that decodes.
IMAGE_PIXELS_MAX = 52_000_000
IMAGE_SIDE_MAX = 20_000
IMAGE_DECODE_BYTES_MAX = 1024 * 1024 * 1024
IMAGE_DECODE_SECONDS_MAX = 30

# What is shown of a photo: on a page, and in a list.
IMAGE_VIEW_SIDE = 1_600
IMAGE_THUMB_SIDE = 240

# A NIK that stands on more persons than this is one case with a count, not pairs (merge.md, identity).
NIK_HOT_PERSONS = 50

# Members of one record; more is a broken client. The form allows 30; a link of two families 60.
PERSONS_PER_EVENT_MAX = 200

# 10,000 answers is more than any form asks; keeps one event's fold bounded.
ASSERTIONS_PER_EVENT_MAX = 10_000

TEXT_CHARACTERS_MAX = 4_000
ENROL_CODE_VALID_HOURS = 72

# An unlock code is read aloud over the telephone to somebody who stands there with the tablet; the answer may be lost
# on a bad line, so it can be asked for again for a while.
UNLOCK_CODE_VALID_HOURS = 24
UNLOCK_CODE_REPEAT_MINUTES = 15
LOGIN_TRIES_PER_MINUTE = 10
