# walfetch --from: a range comes back, along the timelines, several files at once; what is there already stays.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

# Timeline 1 has segments 1 to 6; 2 forked off in segment 4, 3 in segment 4 from the parent too; 2 goes on to 7 and is left by 5
# in segment 6.
my $server = data_directory('server');
my $archive = new_archive('archive', $server);
my (%content, @files);
sub name { my ($timeline, $number) = @_; return segment_name(timeline => $timeline, number => $number) }
sub add { my ($name, $bytes) = @_; $content{$name} = $bytes; push @files, put($server, $name, $bytes); return }
sub history { my ($timeline, @ancestors) = @_; return add(sprintf('%08X.history', $timeline), history_text(@ancestors)) }
history(2, [ 1, 4 * MB + 0x8000 ]);
history(3, [ 1, 4 * MB + 0x6000 ]);
history(5, [ 1, 4 * MB + 0x8000 ], [ 2, 6 * MB + 0x4000 ]);
add(name(1, $_), segment(number => $_, seed => $_)) for 1 .. 6;
add(name(2, $_), segment(number => $_, seed => 20 + $_, timeline => 2)) for 4 .. 7;
add(name(3, $_), segment(number => $_, seed => 30 + $_, timeline => 3)) for 4 .. 5;
add(name(5, $_), segment(number => $_, seed => 50 + $_, timeline => 5)) for 6 .. 8;
my $pushed = run('walpush', $archive, @files);
die $pushed->{err} if $pushed->{code};

my $round = 0;
sub fresh { return scratch('to' . ++$round) }

# What is in a directory; with '!' when its content is not right.
sub there
{
	my ($directory) = @_;
	opendir my $dir, $directory or die $!;
	return join ' ', map { defined $content{$_} && slurp("$directory/$_") eq $content{$_} ? $_ : "$_!" } sort grep { !/^\.\.?$/ } readdir $dir;
}

sub brings
{
	my ($title, $expected, @options) = @_;
	my $to = fresh();
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	succeeds($title, 'walfetch', @options, $to);
	is(there($to), join(' ', sort @$expected), '... all that is on the way and nothing else');
	return $to;
}

brings('within a timeline', [ map { name(1, $_) } 2 .. 4 ], $archive, '--from', name(1, 2), '--to', name(1, 4));
brings('one segment', [ name(1, 6) ], $archive, '--from', name(1, 6), '--to', name(1, 6));
brings('to another timeline', [ '00000002.history', (map { name(1, $_) } 2 .. 3), map { name(2, $_) } 4 .. 5 ],
	$archive, '--from', name(1, 2), '--to', name(2, 5));
my @all = (qw(00000002.history 00000005.history), (map { name(1, $_) } 1 .. 3), (map { name(2, $_) } 4 .. 5), map { name(5, $_) } 6 .. 8);
brings('across two forks', \@all, $archive, '--jobs=3', '--from', name(1, 1), '--to', name(5, 8));
my $whole = brings('to the end, on the latest timeline', \@all, $archive, '--from=' . name(1, 1));
brings('to the end of a timeline that nobody left', [ '00000003.history', map { name(3, $_) } 4 .. 5 ], $archive, '--from', name(3, 4));
brings('from the segment of a fork on, which the new timeline has a copy of', [ '00000002.history', map { name(2, $_) } 4 .. 5 ],
	$archive, '--from', name(1, 4), '--to', name(2, 5));
brings('from the middle timeline on', [ qw(00000002.history 00000005.history), name(2, 5), map { name(5, $_) } 6 .. 7 ],
	$archive, '--from', name(2, 5), '--to', name(5, 7));

# ---- what is there already

{
	my @before = (stat "$whole/" . name(1, 1))[ 1, 9 ];
	my $run = run('walfetch', '-v', $archive, '--from', name(1, 1), $whole);
	is($run->{code}, 0, 'all is there already');
	like($run->{err}, qr/0 files fetched, 10 were there already/, '... and is left');
	is(join(' ', (stat "$whole/" . name(1, 1))[ 1, 9 ]), "@before", '... as it is');
	my $taken = name(2, 4);
	spew("$whole/$taken", 'something else');
	unlink "$whole/" . name(1, 3);
	$run = run('walfetch', $archive, '--from', name(1, 1), $whole);
	is($run->{code}, 4, 'something else is there under a name');
	like($run->{err}, qr/\Awalfetch: error: [^\n]*\Q$taken\E[^\n]*other content[^\n]*\nwalfetch: error: 1 of 10 [^\n]+\n\z/, '... it is named');
	is(slurp("$whole/$taken"), 'something else', '... and left');
	ok(-e "$whole/" . name(1, 3), '... and the rest has come');
}

# ---- what is not there

sub lacks
{
	my ($title, $code, $like, $expected, @options) = @_;
	my $to = fresh();
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	refuses($title, { code => $code, like => $like }, 'walfetch', @options, $to);
	is(there($to), join(' ', sort @$expected), '... what is there has come');
	return;
}

lacks('beyond the end', 3, qr/@{[ name(1, 7) ]} to @{[ name(1, 9) ]} are not in the archive/, [ map { name(1, $_) } 5 .. 6 ],
	$archive, '--from', name(1, 5), '--to', name(1, 9));
lacks('far beyond the end', 3, qr/@{[ name(1, 7) ]} to 00000001FFFFFFFF000000FF are not/, [ name(1, 6) ],
	$archive, '--from', name(1, 6), '--to', '00000001FFFFFFFF000000FF');
unlink "$archive/" . name(1, 3) . '.zst', "$archive/" . name(2, 5) . '.zst';
lacks('holes', 3, qr/@{[ name(1, 3) ]} to @{[ name(1, 3) ]} is not in the archive, and there are more/,
	[ '00000002.history', name(1, 2), name(2, 4), name(2, 6) ], $archive, '--from', name(1, 2), '--to', name(2, 6));

{
	my $path = "$archive/" . name(1, 2) . '.zst';
	my $bytes = slurp($path);
	vec($bytes, 8 * (length($bytes) - 60), 1) ^= 1;
	unlink $path;
	spew($path, $bytes);
	my $to = fresh();
	my $run = run('walfetch', $archive, '--from', name(1, 1), '--to', name(1, 2), $to);
	is($run->{code}, 5, 'one is damaged');
	is(there($to), name(1, 1), '... the other comes');
	my $second = scratch('second');
	run('walpush', '--init', $second, map { pg_wal($server) . '/' . name(1, $_) } 1 .. 3)->{code} == 0 or die;
	my %both = (env => { WALTOOLS_CONFIG => spew(scratch() . '/conf', "[main]\narchive = $archive\narchive = $second\n") });
	$to = fresh();
	$run = run(\%both, 'walfetch', 'main', '--from', name(1, 1), '--to', name(1, 4), $to);
	is($run->{code}, 0, 'with a second archive it comes from there, as does what the first lacks') or diag($run->{err});
	is(there($to), join(' ', map { name(1, $_) } 1 .. 4), '... all of it');
	rename $archive, "$archive.away";
	$run = run(\%both, 'walfetch', 'main', '--from', name(1, 1), '--to', name(1, 3), $to = fresh());
	rename "$archive.away", $archive;
	is($run->{code}, 0, 'the first is away');
	is(there($to), join(' ', map { name(1, $_) } 1 .. 3), '... and the second is enough');
}

{
	my ($first, $second) = map { scratch($_) } qw(damaged whole);
	my $conf = spew(scratch() . '/conf', "[main]\narchive = $first\narchive = $second\n");
	my %pair = (env => { WALTOOLS_CONFIG => $conf });
	my @pushed = map { put_segment($server, number => $_) } 1 .. 3;
	is(run({ %pair, cwd => $server }, 'walpush', '--init', 'main', @pushed)->{code}, 0, 'two archives, filled alike');
	my ($object) = glob "$first/" . name(1, 2) . '*';
	my $bytes = slurp($object);
	unlink $object;
	spew($object, substr $bytes, 0, 40);
	my $to = fresh();
	is(run(\%pair, 'walfetch', 'main', '--from', name(1, 1), $to)->{code}, 0, 'one copy is damaged: the other comes');
	succeeds('... and what is there already is compared with that one', {%pair}, 'walfetch', 'main', '--from', name(1, 1), $to);

	my $foreign = data_directory('foreign', sysid => SYSID + 1);
	my $third = scratch('foreign-archive');
	my @others = map { put_segment($foreign, number => $_, sysid => SYSID + 1) } 2 .. 6;
	is(run({ cwd => $foreign }, 'walpush', '--init', $third, @others)->{code}, 0, 'another cluster has an archive of its own');
	spew($conf, "[main]\narchive = $second\narchive = $third\n");
	refuses('two clusters are not mixed', { %pair, code => 4, like => qr/\Q$third\E belongs to the cluster/, keeps => [ $to = fresh() ] },
		'walfetch', 'main', '--from', name(1, 1), $to);
}

# ---- usage

my $to = fresh();
my @wrong = (
	[ 'no directory', qr/can't bring files to/, '--from', name(1, 1), "$to/none" ],
	[ 'a file for a directory', qr/not a directory/, '--from', name(1, 1), $files[0] ],
	[ 'no segment', qr/--from: "00000002.history"/, '--from', '00000002.history', $to ],
	[ 'no segment either', qr/--to: "x"/, '--from', name(1, 1), '--to', 'x', $to ],
	[ 'backwards', qr/lies before/, '--from', name(1, 4), '--to', name(1, 2), $to ],
	[ 'a timeline that does not descend', qr/no way leads/, '--from', name(3, 5), '--to', name(2, 6), $to ],
	[ 'behind the fork', qr/no way leads/, '--from', name(1, 5), '--to', name(2, 6), $to ],
	[ '--to alone', qr/--to goes with --from/, '--to', name(1, 2), name(1, 2), $to ],
	[ 'a destination', qr/one operand/, '--from', name(1, 1), name(1, 1), "$to/x" ],
);
for my $wrong (@wrong)
{
	my ($what, $like, @arguments) = @$wrong;
	refuses($what, { code => 2, like => $like, keeps => [ $to, $archive ] }, 'walfetch', $archive, @arguments);
}
refuses('an archive that is not there', { code => 3, keeps => [$to] }, 'walfetch', "$archive.none", '--from', name(1, 1), $to);

# ---- on a terminal

{
	my $run = run({ env => { TERM => 'xterm' } }, 'script', '-qec', "walfetch $archive --from " . name(5, 6) . " --to " . name(5, 8) . ' ' . fresh(), '/dev/null');
	is($run->{code}, 0, 'on a terminal');
	like($run->{out}, qr/\r\e\[Kfetching: \[[#.]{20}\] +\d+%/, '... a bar tells how far it has come');
	like($run->{out}, qr/\r\e\[K\z/, '... and is gone at the end');
	$run = run({ env => { TERM => 'dumb' } }, 'script', '-qec', "walfetch $archive --from " . name(5, 6) . " --to " . name(5, 8) . ' ' . fresh(), '/dev/null');
	is($run->{out}, '', 'not on a dumb one');
}

done_testing;
