# walverify --state: what was found whole is not read again, unless there is a reason.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use VerifyTest;

my $archive = make_archive('archive', { 1 => [ 1 .. 6 ] }, real => 1, end => 'switch');
my $state   = scratch('states') . '/state';
my $all     = 6;

# How many objects are read, and how many known.
sub amounts
{
	my (@options) = @_;
	my $found = verify("--state=$state", @options, $archive);
	return "$found->{checked}{objects} read, $found->{checked}{known} known, exit code $found->{code}";
}

sub name { my ($number) = @_; return segment_name(number => $number) }

sub flip
{
	my ($file, $keep_time) = @_;
	my ($content, $time) = (slurp($file), (stat $file)[9]);
	vec($content, 8 * 200, 1) ^= 1;
	spew($file, $content);
	utime $time, $time, $file if $keep_time;
	return;
}

subtest 'what is new' => sub {
	is(amounts(), "$all read, 0 known, exit code 0", 'the first time');
	is(amounts(), "0 read, $all known, exit code 0", 'nothing is new');
	like(told("--state=$state", $archive), qr/^checked: 0 objects, 0 B; 6 found whole before$/m, 'in words');
	put_names($archive, 1, [7], real => 1, end => 'switch');
	is(amounts(), "1 read, $all known, exit code 0", 'one is');
	unlink "$archive/" . name(1);
	is(amounts(), "0 read, $all known, exit code 0", 'one is gone');
	unlike(slurp($state), qr/^@{[ name(1) ]} /m, 'and forgotten');
	spew("$archive/" . name(1), segment(number => 1, end => 'switch'));
	utime 1000, 1000, "$archive/" . name(3);
	is(amounts(), "2 read, 5 known, exit code 0", 'another time');
	is(leftovers_of_state(), 'state', 'nothing else is left there');
};

sub leftovers_of_state
{
	opendir my $dir, scratch('states') or die $!;
	return join ' ', sort grep { !/^\.\.?$/ } readdir $dir;
}

subtest 'depth and age' => sub {
	amounts();
	my $alone = verify("--state=$state", '--deep', '--from', name(1), '--to', name(1), $archive);
	is($alone->{checked}{objects}, 1, 'a deeper look reads again');
	is(amounts('--to', name(1)), '0 read, 1 known, exit code 0', 'what was looked at deeper is known');
	like(slurp($state), qr/^@{[ name(2) ]} .* c \d+$/m, 'what was not meant is still remembered');
	set_when(time - 40 * 86400);
	is(amounts(), '0 read, 7 known, exit code 0', 'found whole long ago');
	is(amounts('--recheck=30d'), '7 read, 0 known, exit code 0', '--recheck');
	is(amounts('--recheck=30d'), '0 read, 7 known, exit code 0', 'once');
	refuses('without a state', { code => 2, like => qr/of no use/ }, 'walverify', '--recheck=30d', $archive);
	refuses('no age', { code => 2, like => qr/recheck: .* is no time/ }, 'walverify', "--state=$state", '--recheck=x', $archive);
};

# Gives all entries another time of the check, and a right sum.
sub set_when
{
	my ($when) = @_;
	(my $text = slurp($state)) =~ s/^(\S+ \d+ \d+ [cr]) \d+$/$1 $when/mg;
	$text =~ s/^end=(\d+).*\n\z//m;
	spew($state, $text, sprintf "end=%d crc32c=%08x\n", $1, crc32c($text));
	return;
}

subtest 'what comes before something known' => sub {
	my $late = make_archive('late', { 1 => [3] }, real => 1, end => 'switch');
	my @options = ('--deep', '--state=' . scratch('states') . '/late', $late);
	is(verify(@options)->{code}, 0, 'a segment alone is whole');
	put_names($late, 1, [2], real => 1, end => 'full');    # a record of it goes on, and not in 3
	my $found = verify(@options);
	is("$found->{checked}{objects} read, $found->{checked}{known} known", '2 read, 0 known', 'the one behind a new one is read again');
	is($found->{code}, 1, 'it does not go on from there: exit code 1');
	is_deeply([ map { $_->{name} } @{ $found->{damaged} } ], [ name(3) ], 'as is told');
	unlink scratch('states') . '/late';
};

subtest 'damage' => sub {
	flip("$archive/" . name(4));
	is(amounts(), '1 read, 6 known, exit code 1', 'is found');
	is(amounts(), '1 read, 6 known, exit code 1', 'and not remembered as good');
	flip("$archive/" . name(4));
	is(amounts(), '1 read, 6 known, exit code 0', 'until it is mended');
	flip("$archive/" . name(4), 'with the time that it had');
	is(amounts(), '0 read, 7 known, exit code 0', 'what shows in nothing but the content is not seen');
	set_when(time - 7200);
	is(amounts('--recheck=1h'), '7 read, 0 known, exit code 1', 'until it is read again');
	flip("$archive/" . name(4));
};

subtest 'the file' => sub {
	amounts();
	my $good = slurp($state);
	my $warns = sub {
		my ($title, $content) = @_;
		spew($state, $content);
		my $run = run('walverify', '--json', "--state=$state", $archive);
		like($run->{err}, qr/\Awalverify: warning: state file \S+ is damaged[^\n]*\n\z/, "$title: a warning");
		is("$run->{code} $1", '0 7', "$title: all is read again") if $run->{out} =~ /"objects": (\d+)/;
	};
	$warns->('cut off', substr $good, 0, -30);
	$warns->('a bit', $good =~ s/^end=7/end=6/mr);
	my @missed = grep { my $bit = $_; vec((my $bad = $good), $bit, 1) ^= 1; spew($state, $bad);
		my $run = run('walverify', "--state=$state", $archive); $run->{err} eq '' }
	  map { int rand 8 * length $good } 1 .. 20;
	is_deeply(\@missed, [], 'every flipped bit is noticed');

	spew($state, $good);
	my $other = make_archive('other', { 1 => [ 1 .. 3 ] }, real => 1, end => 'switch');
	refuses('another archive', { code => 2, like => qr/is of another archive/, keeps => [ scratch('states') ] },
		'walverify', "--state=$state", $other);
	my $precious = spew(scratch('states') . '/precious', "do not\nlose this\n");
	refuses('no state', { code => 2, like => qr/is no state of walverify/, keeps => [ scratch('states') ] },
		'walverify', "--state=$precious", $archive);
	refuses('no directory', { code => 6, like => qr/can't open/ }, 'walverify', '--state=/nowhere/state', $archive);
	is(run('walverify', '--quick', "--state=$precious", $archive)->{code}, 0, 'of no concern with --quick');
};

subtest 'interrupted' => sub {
	unlink $state;
	my $run = run({ before => sub { open my $in, '<', '/dev/null' } }, 'sh', '-c',
		'walverify -j1 "$1" "$2" & pid=$!; while ! ls "$3"/.walverify-* >/dev/null 2>&1; do :; done; kill -TERM $pid; wait $pid',
		'sh', "--state=$state", $archive, scratch('states'));
	is($run->{code}, 128 + 15, 'ends by the signal') or diag($run->{err});
	is(leftovers_of_state() =~ s/precious ?//r =~ s/^state$//r, '', 'no temporary file is left');
	like(amounts(), qr/^\d read, \d known, exit code 0$/, 'the next run goes on') if -e $state;
};

done_testing();
