# walverify tells it as JSON after its schema, to Nagios and to Prometheus; and what waits to be archived.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use VerifyTest;

# An archive with one of everything that can be told.
my $archive = make_archive('archive', { 1 => [ 1 .. 4, 8 .. 12 ], 2 => [ 12, 13, 15 ], 3 => [ 20 ] });
put_backup($archive, number => 2, label => "with \"quotes\"\tand \xc3\xa9\xff");
put_backup($archive, number => 8, stop => 9);
put_backup($archive, number => 10, stop => 40);
put_history($archive, 2, [ 1, 12 ]);
spew("$archive/00000004.history", 'no history');
my $whole  = make_archive('whole', { 1 => [ 1 .. 4 ] });
my $server = data_directory('server');

subtest 'JSON' => sub {
	for my $case ([ '--quick', $archive ], [$archive], [ '--quick', "--pgdata=$server", $archive ], [ '--quick', $whole ])
	{
		my $run = run('walverify', '--json', @$case);
		my $file = spew(scratch('json') . '/found.json', $run->{out});
		my $check = run('/usr/bin/python3', '-c', <<'PYTHON', repository() . '/man/walverify.schema.json', $file);
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)

# Every member must be described.
def close(part):
    if isinstance(part, dict):
        if 'properties' in part:
            part['additionalProperties'] = False
        for value in part.values():
            close(value)
    elif isinstance(part, list):
        for value in part:
            close(value)
close(schema)
jsonschema.validate(json.load(open(sys.argv[2], encoding='utf-8')), schema, format_checker=jsonschema.draft7_format_checker)
PYTHON
		is($check->{code}, 0, "walverify --json @$case is as the schema says") or diag($check->{err}, $run->{out});
	}
};

subtest 'Nagios' => sub {
	my $nagios = sub { return run('walverify', '--format=nagios', '--quick', @_) };
	my $run = $nagios->($whole);
	is("$run->{code} $run->{err}", '0 ', 'whole: exit code 0');
	like($run->{out}, qr/\AWALVERIFY OK - \Q$whole\E: whole; newest WAL archived [^|\n]+ago \| gaps=0;;0;0 [^|\n]*\n\z/, 'one line, with performance data');
	my ($data) = $run->{out} =~ /\| (.*)/;
	is(scalar(grep { !/^\w+=\d+(?:s|B)?;\d*;\d*;\d+$/ } split / /, $data), 0, 'which is well formed') or diag($data);
	$run = $nagios->($archive);
	is($run->{code}, 2, 'not whole: exit code 2');
	like($run->{out}, qr/\AWALVERIFY CRITICAL - .*: not whole; \d+ gaps, first 000000010000000000000005; 1 damaged, first 00000004\.history; 1 backup that can't/,
		'the first of each kind is named');

	my $ready = "$server/pg_wal/archive_status/000000010000000000000005.ready";
	is($nagios->("--pgdata=$server", $whole)->{code}, 0, 'nothing waits');
	spew($ready, '');
	is($nagios->("--pgdata=$server", $whole)->{code}, 0, 'something has just come');
	utime time - 1200, time - 1200, $ready;
	$run = $nagios->("--pgdata=$server", $whole);
	is($run->{code}, 1, 'waits for 20 minutes: exit code 1');
	like($run->{out}, qr/\AWALVERIFY WARNING - .*; 1 wait to be archived, for 2\d min .* backlog=1;;;0 waiting=1[2-9]\d\ds;600;3600;0$/, 'and is told');
	is($nagios->("--pgdata=$server", '--warning=1h', $whole)->{code}, 0, '--warning');
	is($nagios->("--pgdata=$server", '--critical=15min', $whole)->{code}, 2, '--critical');
	utime time - 7200, time - 7200, glob "$whole/*";
	is($nagios->($whole)->{code}, 0, 'old WAL on its own says nothing');
	is($nagios->('--warning=1h', $whole)->{code}, 1, 'unless it is asked for');

	my $front = make_archive('front', { 1 => [ 20 .. 22 ] });
	put_backup($front, number => 3);
	$run = $nagios->($front);
	is($run->{code}, 1, 'no backup can be restored: exit code 1');
	like($run->{out}, qr/\AWALVERIFY WARNING - .*: whole; no backup that is known can be restored; .* backups=1;;;0 restorable_backups=0;;;0 /, 'and is told');
	is($nagios->('--from=' . segment_name(number => 21), $front)->{code}, 0, 'what is left out is not missed');
	is($nagios->('--timeline=7', $front)->{code}, 3, 'a timeline that is not there: exit code 3');

	my $empty = make_archive('empty', {});
	put_history($empty, 2, [ 1, 12 ]);
	like($nagios->($empty)->{out}, qr/; no WAL is there/, 'no WAL at all is told');
	is($nagios->('--warning=1h',  $empty)->{code}, 1, '... and is too old');
	is($nagios->('--critical=24h', $empty)->{code}, 2, '... for whatever is asked for');

	$run = $nagios->('/nowhere');
	is($run->{code}, 3, 'out of reach: exit code 3');
	like($run->{out}, qr/\AWALVERIFY UNKNOWN - [^\n]+\n\z/, 'told on standard output');
	is(run('walverify', '--format=nagios', '--timeout=x', $whole)->{code}, 3, 'as a wrong option is');
	is($nagios->("--pgdata=$whole", $whole)->{code}, 3, 'and no data directory');
};

subtest 'Prometheus' => sub {
	my $odd = scratch("odd\"name\\\xff");
	spew("$odd/" . segment_name(number => 1), segment(number => 1));
	for my $case ([ '--quick', "--pgdata=$server", $archive ], [ '--quick', $whole ], [$odd])
	{
		my $run = run('walverify', '--format=prometheus', @$case);
		my $file = spew(scratch('prom') . '/found.prom', $run->{out});
		my $check = run('/usr/bin/python3', '-c', <<'PYTHON', $file);
import sys
from prometheus_client.parser import text_string_to_metric_families
text = open(sys.argv[1], encoding='utf-8').read()
for family in text_string_to_metric_families(text):
    assert family.documentation and family.type == 'gauge', family.name
    for sample in family.samples:
        print(sample.name, sample.labels.get('timeline', '-'), int(sample.value), sample.labels['archive'].encode())
PYTHON
		is($check->{code}, 0, 'the format can be read') or diag($check->{err}, $run->{out});
		$run->{samples} = $check->{out};
		looks_right($run, $case);
	}
};

sub looks_right
{
	my ($run, $case) = @_;
	if ($case->[-1] ne $archive)
	{
		like($run->{samples}, qr/^walverify_whole - 1 /m, 'whole');
		return;
	}
	is($run->{code}, 1, 'exit code 1');
	like($run->{samples}, $_, "$_") for qr/^walverify_whole - 0 /m, qr/^walverify_gaps - [1-9]/m, qr/^walverify_damaged_objects - 1 /m,
	  qr/^walverify_segments 1 9 /m, qr/^walverify_segments 2 3 /m, qr/^walverify_backlog_segments - 1 /m, qr/^walverify_backlog_age_seconds - 1[2-9]\d\d /m,
	  qr/^walverify_last_run_timestamp_seconds - \d+ /m, qr/^walverify_backups - 3 /m;
	return;
}

subtest 'the server' => sub {
	is(verify('--quick', "--pgdata=$server", $whole)->{backlog}{files}, 1, 'what waits, as JSON');
	like(told('--quick', "--pgdata=$server", $whole), qr/^1 wait to be archived, the first for 2\d min$/m, 'in words');
	my $other = data_directory('other', sysid => 42);
	refuses('another cluster', { code => 4, like => qr/is another cluster's: system identifier 42/ },
		'walverify', '--quick', "--pgdata=$other", $whole);
	refuses('no data directory', { code => 2, like => qr/no data directory/ }, 'walverify', '--quick', "--pgdata=$whole", $whole);
};

done_testing();
