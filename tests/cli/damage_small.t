# The small objects, whose every bit can be tried: no damaged .history or .backup file is ever delivered. PostgreSQL
# itself checks nothing of a .history, and picks its timeline by it.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $seed   = note_seed();
my $server = data_directory('server');
my %suffix = (gzip => '.gz', zstd => '.zst');
my %content = ('00000002.history' => history_text([ 1, 0x1500060 ]), backup_name(number => 2) => backup_text(number => 2));
put($server, $_, $content{$_}) for keys %content;

# A damaged .history is asked for again for a while, since a promotion would choose a timeline by it; a .backup is not.
# So a few of the one are tried, many at a time, and every bit of the other.
sub fetch_all
{
	my ($place, $wanted, $timeout, @numbers) = @_;
	my $script = <<'SH';
place=$1 wanted=$2 patience=$3
shift 3
for number; do
	walfetch "--timeout=$patience" "$place/$number" "$wanted" "$place/$number/out" 2>"$place/$number/error"
	echo "$number $?"
done
SH
	my $run = run({ stdin => join('', map { "$_\n" } @numbers), timeout => 600 },
		'xargs', '-n', 20, '-P', $timeout eq '60s' ? 2 : 16, 'sh', '-c', $script, 'sh', $place, $wanted,
		$timeout);
	# so short a deadline can pass on a busy machine before the program has begun
	my @answers = map { my ($number) = /^(\d+)/; "$_ " . slurp("$place/$number/error") } lines($run->{out});
	return map { /^(\d+) .* not answered/ ? fetch_all($place, $wanted, '5s', $1) : $_ } @answers;
}

sub not_refused
{
	my ($wanted, $object, $stored, @bits) = @_;
	my $place = scratch("variants");
	for my $bit (@bits)
	{
		my $damaged = $stored;
		vec($damaged, $bit, 1) ^= 1;
		spew(scratch("variants/$bit") . "/$object", $damaged);
		spew("$place/$bit/out", 'old');
	}
	my @wrong;
	my @answers = fetch_all($place, $wanted, $wanted =~ /history/ ? '300ms' : '60s', @bits);
	for my $answer (@answers)
	{
		my ($bit, $code, $error) = $answer =~ /^(\d+) (\d+) ([^\n]*)\n\z/ or push @wrong, "a second line: $answer" and next;
		push @wrong, "bit $bit: exit code $code: $error" if $code != 5 || $error !~ /^walfetch: error: \S/;
		push @wrong, "bit $bit: the destination has changed" if slurp("$place/$bit/out") ne 'old';
	}
	push @wrong, scalar(@answers) . ' of ' . @bits . ' answers' if @answers != @bits;
	system('rm', '-rf', $place);
	return @wrong;
}

for my $coding (qw(zstd gzip))    # lz4 carries its label as zstd does; damage.t has it
{
	my $archive = scratch("archive_$coding");
	succeeds("$coding: pushed", 'walpush', "--compress=$coding", $archive, map { pg_wal($server) . "/$_" } sort keys %content);
	for my $wanted (sort keys %content)
	{
		my $stored = slurp("$archive/$wanted$suffix{$coding}");
		my $every = $wanted =~ /backup/ && $coding eq 'zstd';
		my $size = length $stored;
		my @bits = $every ? (0 .. 8 * $size - 1) : map { 8 * $_ + int rand 8 } grep { $coding eq 'zstd' || $_ % 3 == 0 } 0 .. $size - 1;
		my @wrong = not_refused($wanted, "$wanted$suffix{$coding}", $stored, @bits);
		is(join("\n", @wrong), '', "... $wanted: " . scalar @bits . " of its " . 8 * $size . ' bits flipped')
		  or diag("TEST_SEED=$seed");
		next if $wanted !~ /backup/;
		my @cut;
		for my $length (0 .. $size - 1)
		{
			next if $length % 13 && $length < $size - 20;    # one in thirteen will do, and the last ones
			spew(scratch("cut/$length") . "/$wanted$suffix{$coding}", substr $stored, 0, $length);
			push @cut, $length;
		}
		my @codes = map { /^\d+ (\d+)/ } fetch_all(scratch('cut'), $wanted, '60s', @cut);
		is_deeply([ grep { $_ != 5 } @codes ], [], '... truncated at ' . @cut . ' places');
		is_deeply([ glob scratch('cut') . '/*/out' ], [], '... nothing is delivered');
		system('rm', '-rf', scratch('cut'));
	}
}

# ---- without a label

my %bad = (
	'empty'                       => '',
	'white space'                 => "\n\n",
	'cut off in its last line'    => "1\t0/15000",
	'no timeline'                 => "# nothing\n",
	'not a number'                => "one\t0/1500060\treason\n",
	'its own timeline'            => "2\t0/1500060\treason\n",
	'a later timeline'            => "3\t0/1500060\treason\n",
	'timelines that fall'         => "1\t0/1500060\tx\n1\t0/1600060\tx\n",
	'no address'                  => "1\treason\n",
	'binary'                      => "1\t0/1500060\tr\0ason\n",
	'HTML'                        => "<html><body>Service unavailable</body></html>\n",
);
for my $title (sort keys %bad)
{
	my $archive = scratch("bad/$title");
	spew("$archive/00000002.history", $bad{$title});
	my $to = scratch('bad_destination');
	my $code = $title =~ /timeline$/ && $title ne 'no timeline' ? 4 : 5;
	refuses("a .history without a label: $title", { code => $code, keeps => [ $archive, $to ] },
		'walfetch', '--timeout=1s', $archive, '00000002.history', "$to/RECOVERYHISTORY");
	put($server, '00000002.history', $bad{$title});
	my $new = new_archive("push/$title", $server);
	refuses('... nor is it archived', { code => $code, keeps => [$new] },
		'walpush', $new, pg_wal($server) . '/00000002.history');
}
for my $good ("1\t0/1500060\treason\n", "\n# a remark\n 1\t0/1500060\n\n", "1\t0/1500060\tno recovery target specified\n\n")
{
	my $archive = scratch('good');
	spew("$archive/00000002.history", $good);
	my $run = run('walfetch', $archive, '00000002.history', '-');
	is($run->{out}, $good, 'a .history as PostgreSQL may write it');
}

done_testing;
