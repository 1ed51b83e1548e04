# walverify --quick: what is missing, by names alone, and what that means for recovery.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use VerifyTest;

sub name { my ($timeline, $number) = @_; return segment_name(timeline => $timeline, number => $number) }

subtest 'a whole archive' => sub {
	my $archive = make_archive('whole', { 1 => [ 1 .. 9 ] });
	put_backup($archive, number => 2);
	my $found = verify('--quick', $archive);
	is($found->{code}, 0, 'exit code 0');
	ok($found->{whole}, 'whole');
	is(gap_list($found), '', 'no gap');
	is($found->{recoverable}[0]{last_segment}, name(1, 9), 'recoverable to the end');
	is($found->{recoverable}[0]{until_lsn}, '0/A00000', 'as an LSN');
	like(told('--quick', $archive), qr/^  from backup "nightly" \(2026-11-23 20:00:00 UTC\) to any moment until .* archived \d{4}-.*, timeline 1/m,
		'in words');
	is(run('walverify', '-q', '--quick', $archive)->{out}, '', '--quiet says nothing');
};

subtest 'a label that would take the terminal over' => sub {
	my $archive = make_archive('label', { 1 => [ 1 .. 4 ] });
	put_backup($archive, number => 2, label => "caf\xc3\xa9 \e[2J\a\x9b31m\xc2\x9b");
	my $told = told('--quick', $archive);
	like($told, qr/from backup "caf\xc3\xa9 /, 'letters are shown');
	unlike($told, qr/[^\n\x20-\x7e\x80-\xff]|\xc2[\x80-\x9f]|(?<![\x80-\xff])\x9b/, 'control characters are not');
};

subtest 'a gap' => sub {
	my $archive = make_archive('gap', { 1 => [ 1 .. 4, 8 .. 12, 14 ] });
	put_backup($archive, number => 2);
	put_backup($archive, number => 9, label => 'second');
	my $found = verify('--quick', $archive);
	is($found->{code}, 1, 'exit code 1');
	is(gap_list($found), name(1, 5) . '-' . name(1, 7) . ' ' . name(1, 13), 'both are named');
	is($found->{gaps}[0]{segments}, 3, 'how many segments');
	is_deeply($found->{gaps}[0]{ends}, [ backup_name(number => 2) ], 'the first backup ends before it');
	is($found->{gaps}[0]{reached_behind}, backup_name(number => 9), 'behind it only the second reaches');
	is($found->{gaps}[1]{reached_behind}, undef, 'behind the other none');
	like(told('--quick', $archive), qr/^not whole: 2 gaps, of 4 segments$/m, 'in words');
	like(run('walverify', '-q', '--quick', $archive)->{out}, qr/not whole/, '--quiet is not quiet then');
};

subtest 'what was removed from the front is no gap' => sub {
	my $archive = make_archive('front', { 1 => [ 20 .. 22 ] });
	put_backup($archive, number => 3);
	my $found = verify('--quick', $archive);
	is($found->{code}, 0, 'exit code 0');
	is($found->{backups}[0]{verdict}, 'outside', 'nor is a backup whose WAL was removed with it');
};

subtest 'a backup that can not be restored' => sub {
	my $archive = make_archive('cut', { 1 => [ 1 .. 3 ] });
	put_backup($archive, number => 2, stop => 5);
	my $found = verify('--quick', $archive);
	is($found->{code}, 1, 'exit code 1');
	is($found->{backups}[0]{verdict}, 'cut', 'its end is missing');
	like(told('--quick', $archive), qr/^recoverable: nothing/m, 'nothing is recoverable');
};

subtest 'timelines' => sub {
	my $archive = make_archive('forks', { 1 => [ 1 .. 4 ], 2 => [ 5 .. 7 ], 3 => [ 7 .. 9 ] });
	put_history($archive, 2, [ 1, 5 ]);
	put_history($archive, 3, [ 1, 5 ], [ 2, 7 ]);
	put_backup($archive, number => 2);
	my $found = verify('--quick', $archive);
	is($found->{code}, 0, 'a line of three is whole');
	is_deeply([ map { "$_->{timeline} $_->{last_segment}" } @{ $found->{recoverable} } ],
		[ '1 ' . name(1, 4), '2 ' . name(2, 7), '3 ' . name(3, 9) ], 'one backup leads to each');

	unlink "$archive/" . name(2, 6);
	unlink "$archive/" . name(2, 7);
	is(gap_list(verify('--quick', $archive)), name(2, 6), "the parent's segment before a fork");
	unlink "$archive/" . name(2, 5);
	is(gap_list(verify('--quick', $archive)), name(2, 5) . '-' . name(2, 6), "all of a parent's segments");
	unlink "$archive/00000003.history";
	$found = verify('--quick', $archive);
	is(gap_list($found), '00000003.history', 'a missing history file');
	is($found->{gaps}[0]{kind}, 'history', 'of that kind');
	spew("$archive/00000003.history", 'no history');
	$found = verify('--quick', $archive);
	is($found->{damaged}[0]{name}, '00000003.history', 'a damaged history file');
	is($found->{code}, 1, 'exit code 1');
};

subtest 'histories that can not be right' => sub {
	my $archive = make_archive('histories', { 1 => [ 1 .. 6 ], 2 => [ 5 .. 8 ], 3 => [ 8, 9 ] });
	my $wrong = sub {
		my $found = verify('--quick', $archive);
		return "exit code $found->{code}" . join '', map { "; $_->{object}: $_->{problem}" } @{ $found->{damaged} };
	};
	put_history($archive, 2, [ 1, 5 ]);
	put_history($archive, 3, [ 1, 5 ], [ 2, 8 ]);
	is($wrong->(), 'exit code 0', 'they agree');
	put_history($archive, 3, [ 1, 6 ], [ 2, 8 ]);
	like($wrong->(), qr/^exit code 1; 00000003\.history: it does not agree with 00000002\.history/, 'they disagree on a fork');
	unlink map { "$archive/$_" } '00000003.history', name(3, 8), name(3, 9);
	put_history($archive, 2, [ 1, 50 ]);
	like($wrong->(), qr/^exit code 1; 00000002\.history: .* begins at 0\/3201000, but there is @{[ name(2, 5) ]}, which is before/,
		'a fork behind the WAL of its timeline');
	VerifyTest::old("$archive/00000002.history", history_text([ 1, 6 * MB ]));
	is($wrong->(), 'exit code 0', "a fork at a segment's first byte: the segment before may be there, as up to PostgreSQL 9.4");
};

subtest 'two promotions from one parent' => sub {
	my $archive = make_archive('two', { 1 => [ 1 .. 6 ], 2 => [ 5 .. 7 ], 3 => [ 4 .. 9 ] });
	put_history($archive, 2, [ 1, 5 ]);
	put_history($archive, 3, [ 1, 4 ]);
	is(verify('--quick', $archive)->{code}, 0, 'whole');
	unlink "$archive/" . name(1, 3);
	is(gap_list(verify('--quick', $archive)), name(1, 3), 'what both need is missing once');
};

subtest 'a selection that fits nothing' => sub {
	my $archive = make_archive('nothing', { 1 => [ 1 .. 3, 30 .. 31 ] });
	for my $case ([ '--timeline=7' ], [ '--from=' . name(1, 40) ], [ '--from=' . name(1, 10), '--to=' . name(1, 20) ])
	{
		my $run = run('walverify', '--quick', @$case, $archive);
		is($run->{code}, 2, "@$case: exit code 2");
		like($run->{err}, qr/\Awalverify: error: .*no WAL within --from, --to and --timeline.*wallist.*\n\z/, '... in one line');
	}
	is(run('walverify', '--quick', @$_, '--since=0s', $archive)->{code}, 0, "nothing new is no error: @$_") for [], ['--timeline=1'];
};

subtest 'selections' => sub {
	my $archive = make_archive('selection', { 1 => [ 1 .. 3, 5 .. 9, 12 .. 14 ] });
	put_backup($archive, number => 2);
	is(gap_list(verify('--quick', '--from', name(1, 5), $archive)), name(1, 10) . '-' . name(1, 11), '--from');
	is(gap_list(verify('--quick', '--to=0/900000', $archive)), name(1, 4), '--to, as an LSN');
	is(verify('--quick', '--from', name(1, 12), $archive)->{code}, 0, 'a part that is whole');
	put_backup($archive, number => 13, stop => 16);
	for my $case ([ 15, 0, 'outside' ], [ 16, 1, 'cut' ], [ 99, 1, 'cut' ])
	{
		my ($to, $code, $verdict) = @$case;
		my $found = verify('--quick', '--from', name(1, 12), '--to', name(1, $to), $archive);
		is("$found->{code} $found->{backups}[0]{verdict}", "$code $verdict", "a backup whose end, 16, is missing, up to $to");
	}
	unlink "$archive/" . backup_name(number => 13);
	utime 1000, 1000, glob "$archive/*";
	is(verify('--quick', '--since=2026-01-01', $archive)->{code}, 0, '--since');
	is(verify('--quick', '--timeline=1', $archive)->{code}, 1, '--timeline');
	refuses('no segment', { code => 2, like => qr/neither the name/ }, 'walverify', '--from=x', $archive);
	refuses('no time', { code => 2, like => qr/is no time/ }, 'walverify', '--since=x', $archive);
};

subtest 'known gaps' => sub {
	my $archive = make_archive('known', { 1 => [ 1 .. 4, 8 .. 12, 14 ], 2 => [ 14, 15 ] });
	put_backup($archive, number => 3, stop => 6);
	my $known = scratch('files') . '/known';
	my $check = sub { spew($known, $_[0]); return verify('--quick', "--known-gaps=$known", $archive) };
	my ($a, $b) = (name(1, 5) . '-' . name(1, 7), name(1, 13));
	my $found = $check->("# what we know\n\n$a # the disk was full on Sunday\n\t$b#why\r\n00000002.history");
	is($found->{code}, 0, 'all gaps are known');
	is(gap_list($found), "($a) ($b) (00000002.history)", 'and still shown');
	is($found->{gaps}[0]{why}, 'the disk was full on Sunday', 'with the reason');
	is($found->{backups}[0]{verdict}, 'known', 'a backup that fails on one does not count either');
	like(told('--quick', "--known-gaps=$known", $archive), qr/\(known: the disk was full on Sunday\)/, 'in words');
	is(gap_list($check->(name(1, 5) . '-' . name(1, 6) . "\n$b\n00000002.history")), "$a ($b) (00000002.history)",
		'a gap that is larger counts');
	is($check->("$a\n$b\n00000002.history\n" . name(1, 2))->{known_gaps_unused}[0], 4, 'a line that fits no gap');
	like(run('walverify', '-v', '--quick', "--known-gaps=$known", $archive)->{err}, qr/line 4: .* fits no gap/, 'is told with -v');

	my $bad = sub {
		my ($title, $text, $like) = @_;
		spew($known, $text);
		refuses($title, { code => 2, like => $like }, 'walverify', '--quick', "--known-gaps=$known", $archive);
	};
	$bad->('no name', "\nnonsense\n", qr/line 2: no name of a WAL file/);
	$bad->('two words', "$b because\n", qr/line 1: there is more than the names/);
	$bad->('two timelines', name(1, 1) . '-' . name(2, 2), qr/different timelines/);
	$bad->('backwards', name(1, 3) . '-' . name(1, 2), qr/behind its last/);
	$bad->('a partial', name(1, 3) . '.partial', qr/neither segments nor/);
	refuses('no file', { code => 2, like => qr/known gaps/ }, 'walverify', '--known-gaps=/nowhere', $archive);
};

# Processes that archive at once leave gaps for a moment.
subtest 'a gap that closes' => sub {
	my $archive = make_archive('closing', { 1 => [ 1 .. 4, 6 ] });
	utime undef, undef, "$archive/" . name(1, 6);
	my $trace = scratch('files') . '/trace';
	my $pid = fork // die "fork: $!";
	exec 'strace', '-f', '-qq', '-e', 'trace=nanosleep,clock_nanosleep', '-o', $trace, 'walverify', '-q', '--quick', $archive
	  if $pid == 0;
	my $looks_again = wait_until { -e $trace && slurp($trace) =~ /nanosleep/ } 30;
	ok($looks_again, 'it looks again');
	put_names($archive, 1, [5]);
	waitpid $pid, 0;
	is($?, 0, 'and finds no gap');
	unlink "$archive/" . name(1, 5);
	is(verify('--quick', $archive)->{code}, 1, 'one that stays is told');
};

subtest 'what is no archive' => sub {
	refuses('an empty directory', { code => 3, like => qr/is it mounted/ }, 'walverify', scratch('empty'));
	refuses('no directory', { code => 3 }, 'walverify', scratch('empty') . '/none');
	refuses('too many', { code => 2, like => qr/too many arguments/ }, 'walverify', '/a', '/b');
	refuses('format', { code => 2, like => qr/none of text/ }, 'walverify', '--format=x', '/a');
};

done_testing();
