#!/usr/bin/perl
# wallist: what an archive holds, for people and as JSON; parts of it; positions; a line an object; bad input.
use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use ListTest;
use JSON::PP ();

my $archive = made_archive('archive', scenario());
my $all     = listed($archive);
my %timeline = map { $_->{timeline} => $_ } @{ $all->{timelines} };

sub name { my ($timeline, $number) = @_; return segment_name(timeline => $timeline, number => $number) }
sub ranges { return join ' ', map { "$_->{first_segment}-$_->{last_segment}" } @{ $_[0]{ranges} } }
sub names { my ($timeline, @pairs) = @_; return join ' ', map { name($timeline, $_->[0]) . '-' . name($timeline, $_->[1]) } @pairs }

# ---- the summary as JSON

{
	my $run = succeeds('a summary as JSON', 'wallist', '--json', $archive);
	is(problem($run->{out}), '', '... is as the schema says');
	is_deeply($all->{archive}, { location => $archive, layout => 'flat', tool => undef, identity => JSON::PP::false }, '... the archive');
	is_deeply($all->{cluster}, { system_identifier => SYSID . '', postgresql => '15', segment_size => MB }, '... the cluster');
	is(ranges($timeline{1}), names(1, [ 1, 10 ], [ 14, 40 ]), '... ranges of timeline 1');
	is(ranges($timeline{2}), names(2, [ 41, 44 ], [ 46, 50 ]), '... of timeline 2');
	is(ranges($timeline{3}), names(3, [ 20, 25 ]), '... of timeline 3');
	my ($range) = @{ $timeline{1}{ranges} };
	is("$range->{segments} $range->{start_lsn} $range->{end_lsn}", '10 0/100000 0/B00000', '... a range in numbers');
	is("$range->{oldest} $range->{newest}", moment(600) . ' ' . moment(6000), '... and its times');
	is($range->{stored_bytes}, MB + 9 * 1000 + 500, '... and size');
	is_deeply([ map { $timeline{1}{$_} } qw(segments copies partials) ], [ 37, 1, 1 ], '... a copy in another coding is no segment');
	is($timeline{1}{raw_bytes}, 39 * MB, '... decoded');
	is($timeline{1}{partial_segments}[0]{segment}, name(1, 41), '... a partial segment');
	is_deeply($timeline{2}{parent}, { timeline => 1, lsn => '0/2900158' }, '... where timeline 2 forked off');
	is_deeply([ $timeline{1}{parent}, $timeline{1}{history}, $timeline{4}{parent} ], [ undef, undef, undef ], '... and those that did not');
	is($all->{totals}{others}, 1, '... other files');
	is($all->{totals}{wal_bytes_per_day}, int(53 * MB * 86400 / 49_400), '... WAL a day, each segment once');
}

{
	my @gaps = map { join ' ', $_->{kind}, $_->{timeline}, $_->{first_segment} // '', $_->{last_segment} // '' } @{ $all->{gaps} };
	is_deeply(\@gaps, [
		'within 1 ' . name(1, 11) . ' ' . name(1, 13), 'within 2 ' . name(2, 45) . ' ' . name(2, 45), 'history 4  ' ], 'gaps');
	is($all->{gaps}[0]{next_archived}, moment(600 * 14), '... and when the first WAL behind one came');
	is($all->{totals}{missing_segments}, 4, '... counted');
}

{
	my @backups = @{ $all->{backups} };
	is(join(', ', map { $_->{label} // '-' } @backups), "first, caf\x{fffd} \"\e[31m\", -, after failover",
		'base backups; a label that is no UTF-8');
	is("$backups[0]{start_lsn} $backups[0]{stop_lsn}", '0/200028 0/200138', '... their positions');
	is($backups[0]{start_time}, '2026-11-23 20:00:00 UTC', '... their own times');
	is($backups[0]{archived}, moment(1205), '... and when they were archived');
	like($backups[2]{problem}, qr/\S/, '... one that is damaged says what is wrong');
	my @reach = map { join ' ', map { "$_->{timeline}:$_->{last_segment}" . ($_->{gap} ? '!' : '') } @{ $_->{leads_to} // [] } } @backups;
	is($reach[0], '1:' . name(1, 10) . '!', '... a gap ends what the first leads to');
	is($reach[1], '1:' . name(1, 40) . ' 2:' . name(2, 44) . '!', '... the second leads to two timelines, not to the one before it');
	is($reach[3], '2:' . name(2, 44) . '!', '... the last to its own');
}

# ---- for people

{
	my $run = succeeds('a summary for people', 'wallist', $archive);
	my $out = $run->{out};
	unlike($out, qr/\e/, '... without escape sequences of its own or of a label');
	like($out, qr/^  cluster     ${\SYSID}, PostgreSQL 15, segments of 1 MiB$/m, '... whose it is');
	like($out, qr/^  gaps        4 segments and 1 history file missing$/m, '... what is missing');
	like($out, qr/^Timeline 2, forked from timeline 1 at 0\/2900158,/m, '... a fork');
	like($out, qr/^Timeline 4.*its history file is missing$/m, '... a history that is missing');
	my ($first) = $out =~ /^(  ${\name(1, 1)}.*)$/m;
	my ($gap)   = $out =~ /^(  ${\name(1, 11)}.*)$/m;
	my ($title) = $out =~ /^(  first .*)$/m;
	like($gap, qr/${\name(1, 13)} +3   missing$/, '... a gap in its place');
	is(index($gap, 'missing') + 7, index($first, 'MiB') + 3, '... aligned');
	is(index($title, 'last'), index($first, name(1, 10)), '... below their titles');
	unlike($out, qr/ $/m, '... no line ends in spaces');
	like(run('wallist', '-v', $archive)->{err}, qr/^wallist: \Q$archive\E: a flat directory$/, '... -v tells the layout');
	like(run({ env => { WALTOOLS_COLOR => 'always' } }, 'wallist', $archive)->{out}, qr/\e\[31m/, '... colours by the environment');
	like(run('wallist', '--color=always', $archive)->{out}, qr/\e\[31m/, '... colours when they are asked for');
}

# ---- parts

{
	my $part = listed($archive, '--timeline=3');
	is(join(',', map { $_->{timeline} } @{ $part->{timelines} }), 3, '--timeline');
	is_deeply([ listed($archive, '--timeline=00000003')->{totals}{segments}, $part->{totals}{segments} ], [ 6, 6 ], '... as in names');
	is(exists $part->{backups}[0] || exists listed($archive, '--to=0/FFFFFFF')->{backups}[0]{leads_to}, '',
		'... nothing is said of what can be recovered');
	$part = listed($archive, '--from', name(7, 20), '--to', '0/15FFFFF');
	is(join(' ', map { ranges($_) } @{ $part->{timelines} }), names(1, [ 20, 21 ]) . ' ' . names(3, [ 20, 21 ]), '--from, --to');
	is_deeply($part->{gaps}, [], '... no gap is seen where it was cut');
	$part = listed($archive, '--since', '2024-11-20 11:30');
	is(join(' ', map { ranges($_) } @{ $part->{timelines} }), names(3, [ 20, 25 ]) . ' ' . names(4, [ 60, 60 ]), '--since');
	my @late = ([ name(1, 1), 0, segment(number => 1, end => 'switch') ], [ name(1, 2), 100 ], [ name(1, 3), 50 ], [ name(1, 4), 150 ]);
	$part = listed(made_archive('late', @late), '--since', '2024-11-20 00:01');
	is(ranges($part->{timelines}[0]), names(1, [ 2, 4 ]), '... one that came late makes no gap');
	is(listed($archive, '--since=1h')->{totals}{segments}, 0, '... nothing is no failure');
	is(listed($archive, '--timeline=9')->{totals}{segments}, 0, '... also for a timeline that is not there');
	succeeds('nothing selected', 'wallist', '--timeline=9', $archive);
}

# ---- a line each

{
	my @lines = listed_lines($archive);
	is(scalar @lines, scalar(grep { $_->[0] ne 'README' } scenario()), '--long: every object');
	is(problem(map { JSON::PP->new->utf8->encode($_) } @lines), '', '... as the schema says');
	is(join(' ', map { $_->{key} } @lines), join(' ', sort map { $_->{key} } @lines), '... sorted by name');
	my ($object) = grep { $_->{key} =~ /partial/ } @lines;
	is(join(' ', @$object{qw(type name timeline coding stored_bytes archived start_lsn)}),
		"partial " . name(1, 41) . '.partial 1 zstd 1000 ' . moment(24_700) . ' 0/2900000', '... what is said of it');
	my $run = succeeds('... for people', 'wallist', '-l', '--timeline=3', $archive);
	is((lines($run->{out}))[1], '2024-11-20 11:40:00Z    1000 B  ' . name(3, 20) . '.lz4', '... time, size, key');
	is(scalar(lines($run->{out})), 7, '... of a timeline, with its history');
	is(scalar(grep { $_->{type} eq 'segment' } listed_lines($archive, '--from=0/3200000')), 2, '... from a position on');
}

# ---- positions

{
	my $found = listed($archive, '--lsn', '0/1400029');
	is(problem(JSON::PP->new->utf8->encode($found)), '', '--lsn: as the schema says');
	is(join(' ', map { "$_->{timeline}:$_->{answer}" } @{ $found->{timelines} }),
		'1:there 2:other-timeline 3:there 4:before', '... on each timeline');
	is($found->{offset}, 0x29, '... the place in the segment');
	is($found->{timelines}[1]{read_on_timeline}, 1, '... whose segment is read');
	is($found->{timelines}[2]{objects}[0]{key}, name(3, 20) . '.lz4', '... its object');
	is_deeply([ map { $_->{key} } @{ listed($archive, '--lsn', '0/500000')->{timelines}[0]{objects} } ],
		[ map { name(1, 5) . $_ } '.gz', '.zst' ], '... both, when there are two');
	my %answer = ('0/B00000' => 'missing', '0/2900158' => 'partial', '0/5000000' => 'behind', '0/0' => 'before');
	is(listed($archive, '--lsn', $_, '--timeline=1')->{timelines}[0]{answer}, $answer{$_}, "... $_") for sort keys %answer;
	my $run = succeeds('... for people', 'wallist', '--lsn', '0/1400029', $archive);
	like($run->{out}, qr/\A0\/1400029 is at byte 41 of segment \.{8}0000000000000014 \(1 MiB\)$/m, '... where it is');
	like($run->{out}, qr/^ +3  ${\name(3, 20)}  is there +${\name(3, 20)}\.lz4 +1000 B  2024-11-20 11:40$/m, '... and whether');
	succeeds('... also when it is not there', 'wallist', '--lsn=F/0', $archive);
	like(run('wallist', '--lsn=F/0', '--timeline=77', $archive)->{out}, qr/knows no such timeline/, '... no such timeline');
}

# ---- very many ranges and backups

{
	my @objects = ([ segment_name(number => 0), 0, segment(number => 0, end => 'switch') ]);
	push @objects, [ segment_name(number => 2 * $_), 60 * $_ ] for 1 .. 40;
	push @objects, ListTest::backup(number => 2 * $_, label => "backup $_") for 1 .. 30;
	my $holes = made_archive('holes', @objects);
	my $out = run('wallist', $holes)->{out};
	like($out, qr/^  \.\.\. and 34 more ranges, 33 gaps \(--full shows them\)$/m, 'of many ranges the middle is left out');
	like($out, qr/^  \.\.\. and 10 more \(--full shows them\)$/m, '... and of many backups');
	is(scalar(() = $out =~ /missing$/mg), 7 + 1, '... what is shown are the first and the last') or diag $out;
	my $full = run('wallist', '--full', $holes)->{out};
	is(scalar(() = $full =~ /^  [0-9A-F]{24}/mg), 81, '--full shows all');
	is(scalar @{ listed($holes)->{gaps} }, 40, '... as JSON always does');
}

{
	my @objects = ([ segment_name(number => 1), 0, segment(number => 1, end => 'switch') ]);
	push @objects, [ sprintf('%08X.history', $_), 60 * $_, history_text([ $_ - 1, $_ * MB ]) ], [ segment_name(timeline => $_, number => $_), 60 * $_ ]
	  for 2 .. 30;
	my $forks = made_archive('forks', @objects);
	my $out = run('wallist', $forks)->{out};
	like($out, qr/^\.\.\. and 10 earlier timelines \(--full shows them\)$/m, 'of many timelines the first are left out');
	is(join(' ', $out =~ /^Timeline (\d+)/mg), join(' ', 11 .. 30), '... the last are shown');
	is(scalar(() = run('wallist', '--full', $forks)->{out} =~ /^Timeline/mg), 30, '--full shows all');
	is(scalar(() = run({ env => { LC_ALL => 'C' } }, 'wallist', '-g', $forks)->{out} =~ /^ +timeline \d/mg), 24, '... --graph the last 24');
}

# ---- without a segment

{
	my $bare = made_archive('bare', [ backup_name(number => 3), 0, backup_text(number => 3, size => 16 * MB) ], [ '00000002.history', 0, history_text() ]);
	my $out = succeeds('a base backup and a history alone', 'wallist', $bare)->{out};
	like($out, qr/^  holds       0 segments on 2 timelines, 1 base backup$/m, '... are shown');
	like($out, qr/none: WAL is missing/, '... and that the backup leads nowhere');
	my $json = run('wallist', '--json', $bare)->{out};
	is(problem($json), '', '... as JSON');
	like($json, qr/"segment_size": null/, '... the size of segments is not known');
	like(run('wallist', '--lsn=0/3000028', $bare)->{out}, qr/byte 40 of segment \.{8}0000000000000003 \(16 MiB, as usual/, '... --lsn says so');
	my $partial = listed(made_archive('partial', [ name(1, 3) . '.partial', 0, segment(number => 3) ]));
	is("$partial->{totals}{partials} $partial->{cluster}{segment_size}", '1 ' . MB, 'a partial segment alone');
}

# ---- other layouts

{
	my @flat = grep { $_->[0] ne 'README' } scenario();
	my @nested = map { my ($key, @rest) = @$_; [ $key =~ /^([0-9A-F]{16})[0-9A-F]{8}/ ? "$1/$key" : $key, @rest ] } @flat;
	my $nested = listed(made_archive('barman/wals', @nested));
	is("$nested->{archive}{layout} $nested->{totals}{segments}", "nested $all->{totals}{segments}", 'segments in directories');
	is_deeply([ map { ranges($_) } @{ $nested->{timelines} } ], [ map { ranges($_) } @{ $all->{timelines} } ], '... the same ranges');
	is_deeply($nested->{gaps}, $all->{gaps}, '... and gaps');
	my $above = listed(scratch('barman'));
	is("$above->{archive}{tool} $above->{totals}{segments}", "barman $all->{totals}{segments}", '... from above');
	like((listed_lines(scratch('barman'), '--timeline=3'))[1]{key}, qr{^0000000300000000/}, '... keys with their directories');
	like(run('wallist', scratch('barman'))->{out}, qr/^  layout      barman, which is only read here$/m, '... and it says so');
}

# ---- PostgreSQL 9.2: no segment ends in FF

{
	my $page = pack('vvVVVQ<VV', 0xD071, 2, 1, 2, 0xFD000000, SYSID, 16 * MB, 8192) . "\0" x 8160;
	my @old = ([ '0000000100000002000000FD', 0, $page ], map { [ $_, 60, 'x' ] } '0000000100000002000000FE', '000000010000000300000000');
	my $old = listed(made_archive('old', @old));
	is(ranges($old->{timelines}[0]), '0000000100000002000000FD-000000010000000300000000', '9.2: no gap where there is no FF');
	is($old->{timelines}[0]{ranges}[0]{end_lsn}, '3/1000000', '... positions');
	is("$old->{cluster}{system_identifier} $old->{cluster}{segment_size}", SYSID . ' ' . 16 * MB, '... the cluster');
	my $hole = listed(made_archive('old_hole', $old[0], $old[2]));
	is($hole->{gaps}[0]{first_segment}, '0000000100000002000000FE', '... and a gap where it is one');
	my $new = listed(made_archive('new', [ '0000000100000002000000FD', 0, segment(number => 0x2FD, size => 16 * MB, end => 'switch') ], @old[ 1, 2 ]));
	is($new->{gaps}[0]{first_segment}, '0000000100000002000000FF', 'later: FF is missed');
}

# ---- an archive of ours

{
	my $server = data_directory('server');
	my $own = new_archive('own', $server);
	run('walpush', $own, put_segment($server, number => $_)) for 2, 3;
	my $ours = listed($own);
	is("$ours->{archive}{identity} $ours->{totals}{segments} $ours->{totals}{others}", '1 3 0', 'an archive of walpush');
	cmp_ok($ours->{totals}{ratio}, '>', 1, '... compressed');
	run('walclean', $own, segment_name(number => 4));
	my $run = succeeds('one that walclean has emptied', 'wallist', $own);
	like($run->{out}, qr/^  holds       0 segments/m, '... is empty, not absent');
	like($run->{out}, qr/^  cluster     ${\SYSID}/m, '... and still knows its cluster');
	is(problem(run('wallist', '--json', $own)->{out}), '', '... its JSON is as the schema says');
	succeeds("... --lsn there", 'wallist', '--lsn=0/0', $own);
}

# ---- bad input

my @segment = ($archive, name(1, 1));
refuses("a wrong $_->[0]", { code => 2, like => $_->[1], keeps => [$archive] }, 'wallist', @{ $_->[2] }, $archive) for
  [ 'position', qr/"x" is no LSN/,         ['--lsn=x'] ],
  [ 'position', qr/is no LSN/,             ['--lsn=0x1/0'] ],
  [ 'position', qr/is no LSN/,             ['--lsn=1/123456789'] ],
  [ 'begin',    qr/from: "0\/" is neither/,       ['--from=0/'] ],
  [ 'end',      qr/to: .*is neither/,        ['--to=00000002.history'] ],
  [ 'order',    qr/is behind/,             [ '--from=0/5000000', '--to=0/4000000' ] ],
  [ 'timeline', qr/is no timeline/,        ['--timeline=0'] ],
  [ 'timeline', qr/is no timeline/,        ['--timeline=-1'] ],
  [ 'time',     qr/"tomorrow" is no time/, ['--since=tomorrow'] ],
  [ 'colour',   qr/color: "red"/,          ['--color=red'] ],
  [ 'pair',     qr/--long and --lsn/,      [ '-l', '--lsn=0/0' ] ],
  [ 'pair',     qr/--json and --graph/,    [ '-g', '--json' ] ],
  [ 'pair',     qr/--lsn and --since/,     [ '--lsn=0/0', '--since=1d' ] ],
  [ 'pair',     qr/--full and --json/,     [ '--full', '--json' ] ],
  [ 'operand',  qr/too many arguments; usage: wallist \[options\] ARCHIVE$/, [$archive] ];
refuses('no archive', { code => 2 }, 'wallist');
refuses('one that is not there', { code => 3, like => qr/mounted/ }, 'wallist', scratch() . '/nowhere');
for my $mode ([], ['-l'], ['--lsn=0/0'], ['-g'])
{
	refuses("an empty one (@$mode)", { code => 3, like => qr/is it mounted/ }, 'wallist', @$mode, scratch('empty'));
}
{
	my $junk = made_archive('junk', map { [ segment_name(number => $_), 0, "no WAL\n" x 2000 ] } 1 .. 3);
	refuses('one without a segment that is whole', { code => 5, like => qr/how large/ }, 'wallist', $junk);
	my $older = made_archive('older', [ segment_name(number => 1), 0, 'no WAL' ], [ segment_name(number => 2), 0, segment(number => 2) ]);
	is(listed($older)->{totals}{segments}, 2, 'a first one that is not is no obstacle');
}
refuses('a file', { code => 2 }, 'wallist', "$archive/README");
{
	my $damaged = made_archive('damaged', [ '.waltools/archive', 0, 'x' ], scenario());
	refuses('a damaged identity', { code => 5 }, 'wallist', $damaged);
	my $crooked = made_archive('crooked', scenario(), [ '00000002.history', 0, "no\n" ]);
	like(run('wallist', $crooked)->{out}, qr/^Timeline 2.*its history file is damaged: /m, 'a damaged history is told in its place');
	is((grep { $_->{timeline} == 2 } @{ listed($crooked)->{gaps} })[0]{kind}, 'history', '... and a gap');
	is(problem(run('wallist', '--json', $crooked)->{out}), '', '... as the schema says');
}

# ---- readers

{
	my $many = made_archive('many', [ segment_name(number => 1), 0, segment(number => 1, end => 'switch') ]);
	link "$many/" . name(1, 1), "$many/" . name(1, $_) . '.zst' for 2 .. 3000;
	my $run = run('sh', '-c', "wallist -l '$many' | head -n 2; exit \${PIPESTATUS:-0}");
	is(scalar(lines($run->{out})), 2, 'a reader that goes away');
	is($run->{err}, '', '... ends it quietly');
	# The reader takes four times as long as the archive may.
	$run = run('sh', '-c', "(wallist -l --timeout=250ms '$many'; echo \$? >&2) | (sleep 1; wc -l)");
	is("$run->{err}$run->{out}", "0\n3000\n", 'a reader that takes its time is no archive that does not answer');
	$run = run('sh', '-c', "wallist -l '$many' >/dev/full");
	is(join("\n", one_error($run, 'wallist', 6, qr/standard output/)), '', 'output that can not be written');
}

done_testing;
