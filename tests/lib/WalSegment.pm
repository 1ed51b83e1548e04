package WalSegment;

# Makes the files that PostgreSQL archives, without a server and in milliseconds: whole segments with page headers and
# records whose CRC-32C is right, .partial files with a stale tail, timeline and backup history files, and as much of a
# data directory as the programs look at. Written from PostgreSQL's description of the format (xlog_internal.h,
# xlogrecord.h), without a look at lib/wal/. pg_waldump reads what comes out.
#
#   my $server = data_directory('primary', sysid => 42);           # its path; pg_wal, global/pg_control below it
#   my $file = put_segment($server, number => 3);                  # .../pg_wal/000000010000000000000003
#   my $bytes = segment(number => 3, size => 16 << 20, end => 'switch');

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(min);
use WalTest;

our @EXPORT = qw(segment segment_name backup_name history_text backup_text data_directory pg_wal put put_segment
  crc32c SYSID MB);

use constant {
	SYSID => 7_300_000_000_000_000_001,
	MB    => 1 << 20,
};

# XLOG_PAGE_MAGIC of each major.
my %magic = (
	'9.2' => 0xD071, '9.3' => 0xD075, '9.4' => 0xD07E, '9.5' => 0xD087, '9.6' => 0xD093,
	10 => 0xD097, 11 => 0xD098, 12 => 0xD101, 13 => 0xD106, 14 => 0xD10D, 15 => 0xD110,
	16 => 0xD113, 17 => 0xD116, 18 => 0xD118,
);

use constant { LONG_HEADER => 40, SHORT_HEADER => 24 };
use constant { FIRST_IS_CONTRECORD => 1, LONG => 2, BKP_REMOVABLE => 4 };

# ---- CRC-32C, byte by byte: so as little as possible is put through it

my @crc_table = map {
	my $crc = $_;
	$crc = $crc & 1 ? $crc >> 1 ^ 0x82F63B78 : $crc >> 1 for 1 .. 8;
	$crc;
} 0 .. 255;

sub crc_add
{
	my ($crc, $bytes) = @_;
	$crc = $crc_table[ ($crc ^ $_) & 255 ] ^ $crc >> 8 for unpack 'C*', $bytes;
	return $crc;
}

sub crc32c { return ~crc_add(0xFFFFFFFF, $_[0]) & 0xFFFFFFFF }

# ---- records

# What records hold: repetitive, as WAL is, and a few noisy bytes. Each body is summed once; the CRC of a record is the
# body's carried on over the header, which alone differs from record to record.
my %bodies;

sub bodies
{
	my ($seed, $variety) = @_;
	return $bodies{"$seed $variety"} //= do
	{
		my $state = $seed * 2_654_435_761 + 12_345;
		my $next  = sub { $state = ($state * 1_103_515_245 + 12_345) % 2_147_483_648; return $state >> 8 };
		[ map { body($next) } 1 .. $variety ];
	};
}

sub body
{
	my ($next) = @_;
	my $length = 20 + $next->() % 1500;
	my $text   = '';
	while (length $text < $length)
	{
		$text .= sprintf 'account %08d balance %07d ', $next->() % 100_000, $next->() % 5_000_000;
		$text .= pack 'N4', map { $next->() * 173 } 1 .. 4;
	}
	# one block of main data: XLR_BLOCK_ID_DATA_LONG and its length
	my $body = pack('CV', 254, $length) . substr $text, 0, $length;
	return { bytes => $body, crc => crc_add(0xFFFFFFFF, $body) };
}

# XLOG_NOOP with some data, or XLOG_SWITCH without.
sub record
{
	my ($previous, $body) = @_;
	my ($info, $bytes, $crc) = $body ? (0x20, $body->{bytes}, $body->{crc}) : (0x40, '', 0xFFFFFFFF);
	my $header = pack 'VVQ<CCx2', 24 + length $bytes, 0, $previous, $info, 0;
	return $header . pack('V', ~crc_add($crc, $header) & 0xFFFFFFFF) . $bytes;
}

# ---- pages

# Where the byte `at` of the record stream is in the segment.
sub offset_of
{
	my ($at, $page) = @_;
	my $first = $page - LONG_HEADER;
	return LONG_HEADER + $at if $at < $first;
	my $room = $page - SHORT_HEADER;
	return $page * (1 + int(($at - $first) / $room)) + SHORT_HEADER + ($at - $first) % $room;
}

sub page_header
{
	my ($o, $offset, $remaining) = @_;
	my $flags = BKP_REMOVABLE | ($offset ? 0 : LONG) | ($remaining ? FIRST_IS_CONTRECORD : 0);
	my $header = pack 'vvVQ<Vx4', $o->{magic}, $flags, $o->{page_timeline}, $o->{start} + $offset, $remaining;
	$header .= pack 'Q<VV', $o->{sysid}, $o->{size}, $o->{page} unless $offset;
	return $header;
}

# A segment. Options:
#   number (1): counted from 0, so that the address is number * size;  timeline (1)
#   size (1 MB), page (8192), major (15) or magic, sysid
#   page_timeline (timeline): what its pages say, lower in a segment copied from the parent timeline
#   seed (1): other content;  variety (24): how many different records; with 1400 a megabyte does not repeat itself
#   end: 'full' (the last record goes on in the next segment), 'switch' (of segments, then zeros), 'stale' (records up
#     to the middle, then what the recycled file held), 'zero' (records up to the middle, then zeros)
#   fill: bytes of records before a switch, a stale or a zero tail
sub segment
{
	my (%option) = @_;
	my $o = options(%option);
	my ($stream, $starts) = stream($o);
	my ($bytes, $at, $offset) = ('', 0, 0);
	while ($offset < $o->{size} && $at < length $stream)
	{
		shift @$starts while @$starts && $starts->[0][1] <= $at;
		my $remaining = @$starts && $starts->[0][0] < $at ? $starts->[0][1] - $at : 0;
		my $header = page_header($o, $offset, $remaining);
		my $room = $o->{page} - length $header;
		my $piece = substr $stream, $at, $room;
		$bytes .= $header . $piece . "\0" x ($room - length $piece);
		$at     += $room;
		$offset += $o->{page};
	}
	$bytes .= stale_pages($o, $offset) if $o->{end} eq 'stale';
	return $bytes . "\0" x ($o->{size} - length $bytes);
}

sub options
{
	my (%option) = @_;
	my %o = (number => 1, timeline => 1, size => MB, page => 8192, major => 15, sysid => SYSID, seed => 1, variety => 24,
		end => 'full', 		%option);
	$o{magic}         //= $magic{ $o{major} };
	$o{page_timeline} //= $o{timeline};
	$o{start} = $o{number} * $o{size};
	$o{fill} //= $o{end} eq 'switch' ? min(40_000, $o{size} / 2) : $o{size} / 2;
	return \%o;
}

# All records in one string, as if there were no pages, and where each begins and ends in it.
sub stream
{
	my ($o) = @_;
	my $pages    = $o->{size} / $o->{page};
	my $capacity = $o->{size} - LONG_HEADER - ($pages - 1) * SHORT_HEADER;
	my $goal     = $o->{end} eq 'full' ? $capacity : min($o->{fill}, $capacity / 2);
	my $bodies   = bodies($o->{seed}, $o->{variety});
	my ($stream, $previous, @starts) = ('', $o->{start} ? $o->{start} - 48 : 0);
	for (my $i = 0; length $stream < $goal; $i++)
	{
		add_record(\$stream, \@starts, record($previous, $bodies->[ $i % @$bodies ]));
		$previous = $o->{start} + offset_of($starts[-1][0], $o->{page});
	}
	add_record(\$stream, \@starts, record($previous)) if $o->{end} eq 'switch';
	return (substr($stream, 0, $capacity), \@starts);
}

sub add_record
{
	my ($stream, $starts, $record) = @_;
	my $at = length $$stream;
	push @$starts, [ $at, $at + length $record ];
	$$stream .= $record . "\0" x (-length($record) % 8);
	return;
}

# The rest of a recycled file: pages of an earlier segment, with its addresses.
sub stale_pages
{
	my ($o, $offset) = @_;
	my $earlier = options(%$o, number => $o->{number} > 7 ? $o->{number} - 7 : 0, end => 'full');
	my $bytes = '';
	for (; $offset < $o->{size}; $offset += $o->{page})
	{
		my $header = page_header($earlier, $offset, 0);
		$bytes .= substr $header . 'stale ' x ($o->{page} / 6 + 1), 0, $o->{page};
	}
	return $bytes;
}

# ---- names and small files

# "000000010000000000000003". Options as of segment().
sub segment_name
{
	my (%option) = @_;
	my $o = options(%option);
	my $per_log = 2**32 / $o->{size};
	return sprintf '%08X%08X%08X', $o->{timeline}, int($o->{number} / $per_log), $o->{number} % $per_log;
}

sub backup_name { return sprintf '%s.%08X.backup', segment_name(@_), 40 }

sub lsn { return sprintf '%X/%X', $_[0] >> 32, $_[0] & 0xFFFFFFFF }

# A timeline's history: its ancestors as [timeline, LSN], 1 and 0/3000000 when none is given.
sub history_text
{
	my (@ancestors) = @_;
	@ancestors = [ 1, 0x3000000 ] unless @ancestors;
	return join "\n", map { "$_->[0]\t" . lsn($_->[1]) . "\tno recovery target specified\n" } @ancestors;
}

sub backup_text
{
	my (%option) = @_;
	my $o     = options(%option);
	my $name  = segment_name(%option);
	my $label = $option{label} // 'nightly';
	my ($start, $stop) = map { lsn($o->{start} + $_) } 40, 312;
	return <<"TEXT";
START WAL LOCATION: $start (file $name)
STOP WAL LOCATION: $stop (file $name)
CHECKPOINT LOCATION: $start
BACKUP METHOD: streamed
BACKUP FROM: primary
START TIME: 2026-11-23 20:00:00 UTC
LABEL: $label
START TIMELINE: $o->{timeline}
STOP TIME: 2026-11-23 20:00:01 UTC
STOP TIMELINE: $o->{timeline}
TEXT
}

# ---- a data directory

# Options: sysid.
sub data_directory
{
	my ($name, %option) = @_;
	my $path = scratch($name);
	scratch("$name/global");
	scratch("$name/pg_wal/archive_status");
	spew("$path/global/pg_control", pack('Q<', $option{sysid} // SYSID), "\0" x 8184);
	return $path;
}

sub pg_wal { return "$_[0]/pg_wal" }

# A file in pg_wal; its path.
sub put
{
	my ($server, $name, $content) = @_;
	return spew(pg_wal($server) . "/$name", $content);
}

# A segment in pg_wal under its own name; its path. Options as of segment(), and suffix ('.partial').
sub put_segment
{
	my ($server, %option) = @_;
	my $suffix = delete $option{suffix} // '';
	return put($server, segment_name(%option) . $suffix, segment(%option));
}

1;
