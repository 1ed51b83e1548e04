package ListTest;

# Archives for the tests of wallist, made without a server: objects with times, and JSON against its schema.
#
#   my $archive = made_archive('name', [ segment_name(number => 1), 0 ], [ '00000002.history', 60, history_text() ], ...);
#   is(problem($json), '', 'valid');

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use POSIX ();
use WalSegment;
use WalTest;

our @EXPORT = qw(made_archive put_object moment scenario listed listed_lines timeless problem EPOCH);

# When the archives' stories begin: 2024-11-20 00:00:00 UTC.
use constant EPOCH => 1_732_060_800;

# The moment so many seconds behind EPOCH, as JSON has it.
sub moment { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime EPOCH + $_[0]) }

# An object: its path, when it was archived (seconds behind EPOCH), and its content (a few bytes).
sub put_object
{
	my ($archive, $key, $when, $content) = @_;
	my ($directory) = $key =~ m{^(.*)/};
	system('mkdir', '-p', "$archive/$directory") == 0 or die 'mkdir' if defined $directory;
	my $path = spew("$archive/$key", $content // 'x' x 1000);
	utime EPOCH + $when, EPOCH + $when, $path or die "utime: $!";
	return $path;
}

sub made_archive
{
	my ($name, @objects) = @_;
	my $archive = scratch($name);
	put_object($archive, @$_) for @objects;
	return $archive;
}

# Segments of 1 MB, all but the first a few bytes long. Timeline 1: 1 to 40 without 11 to 13, with a partial segment behind; 2
# forked off in 41, and goes on without 45; 3 forked off in 20, was archived from there on; 4 has no history. Backups: at 2, at
# 30, on timeline 2 at 43, and one that is damaged. Segment 5 is there in two codings. One segment is archived each 10 minutes.
sub scenario
{
	my @objects = ([ segment_name(number => 1), 600, segment(number => 1, end => 'switch') ]);
	push @objects, [ segment_name(number => $_) . '.zst', 600 * $_ ] for grep { $_ < 11 || $_ > 13 } 2 .. 40;
	push @objects, [ segment_name(number => 5) . '.gz', 3100, 'y' x 500 ];
	push @objects, [ segment_name(number => 41) . '.partial.zst', 24_700 ];
	push @objects, [ '00000002.history', 24_650, history_text([ 1, 41 * MB + 0x158 ]) ];
	push @objects, [ segment_name(timeline => 2, number => $_) . '.zst', 600 * $_ + 100 ] for 41 .. 44, 46 .. 50;
	push @objects, [ '00000003.history', 40_000, history_text([ 1, 20 * MB + 0x28 ]) ];
	push @objects, [ segment_name(timeline => 3, number => $_) . '.lz4', 40_000 + 100 * $_ ] for 20 .. 25;
	push @objects, [ segment_name(timeline => 4, number => 60), 50_000 ];
	push @objects, backup(number => 2,  label => 'first'), backup(number => 30, label => "caf\xe9 \"\e[31m\""),
	  backup(number => 43, timeline => 2, label => 'after failover');
	push @objects, [ backup_name(number => 33), 600 * 33, "START WAL LOCATION: 0/2\n" ], [ 'README', 0, 'x' ];
	return @objects;
}

sub backup
{
	my (%option) = @_;
	my $when = 600 * $option{number} + 5;
	return [ backup_name(%option), $when, backup_text(%option) ];
}

# What wallist --json says of an archive, decoded. Options of the program come behind it.
sub listed
{
	my ($archive, @options) = @_;
	my $run = run('wallist', '--json', @options, $archive);
	die "wallist @options $archive: exit code $run->{code}: $run->{err}" if $run->{code};
	return JSON::PP->new->utf8->decode($run->{out});
}

sub listed_lines
{
	my ($archive, @options) = @_;
	my $run = run("wallist", "--long", "--json", @options, $archive);
	die "wallist: $run->{err}" if $run->{code};
	return map { JSON::PP->new->utf8->decode($_) } split /\n/, $run->{out};
}

# A document of listed() without what depends on where and when the archive was made.
my %depends = map { $_ => 1 } qw(location time oldest newest archived next_archived wal_bytes_per_day stored_bytes_per_day);

sub timeless
{
	my ($value) = @_;
	return [ map { timeless($_) } @$value ] if ref $value eq 'ARRAY';
	return $value if ref $value ne 'HASH';
	return { map { $_ => timeless($value->{$_}) } grep { !$depends{$_} } keys %$value };
}

# What the schema has against each of these lines or documents; nothing when all are valid. No member is allowed but those that
# the schema has.
sub problem
{
	my (@documents) = @_;
	my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
	my $run = run({ stdin => join "\0", @documents }, $python, '-c', <<'PYTHON', repository() . '/man/wallist.schema.json');
import json, sys, jsonschema

def close(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            close(value)
    elif isinstance(schema, list):
        for value in schema:
            close(value)

schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
close(schema)
for text in sys.stdin.buffer.read().decode("utf-8").split("\0"):
    document = json.loads(text)
    kind = {"$ref": "#/definitions/" + document["kind"], "definitions": schema["definitions"]}
    for problem in jsonschema.Draft7Validator(kind).iter_errors(document):
        print(list(problem.absolute_path), problem.message)
PYTHON
	return $run->{out} . $run->{err};
}

1;
