#!/usr/bin/perl
# wallist --graph, in files and in a real terminal; --svg. The archive is made so that what must be seen where is known.
use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use ListTest;
use utf8;
use Encode qw(decode_utf8);
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

use constant HOUR => 3600;

# Timeline 1: a segment an hour, 48 of them, two in hour 10, none in hours 20 to 22 (of these segment 20 is missing); a base
# backup in hour 5. Timeline 2 forks off in hour 30.
my @objects = ([ segment_name(number => 0), 0, segment(number => 0, end => 'switch') ]);
push @objects, [ segment_name(number => $_), HOUR * ($_ <= 10 ? $_ : $_ < 20 ? $_ - 1 : $_ + 2) ] for 1 .. 19, 21 .. 45;
push @objects, [ backup_name(number => 5), 5 * HOUR + 60, backup_text(number => 5) ];
push @objects, [ '00000002.history', 30 * HOUR, history_text([ 1, 28 * MB + 40 ]) ];
push @objects, [ segment_name(timeline => 2, number => $_), HOUR * ($_ + 2) ] for 28 .. 45;
my $archive = made_archive('archive', @objects);

my %utf8 = (LC_ALL => 'C.UTF-8');
my $left = 14;

sub drawn
{
	my ($env, @options) = @_;
	my $run = run({ env => $env }, 'wallist', '--graph', @options, $archive);
	is("$run->{code}$run->{err}", '0', 'drawn');
	return map { decode_utf8($_) } lines($run->{out});
}

sub lane { my ($number, @lines) = @_; my ($lane) = grep { /^ +timeline $number  / } @lines; return $lane // '' }

# The character at an hour, when a column is an hour.
sub at { my ($line, $hour) = @_; return substr "$line" . ' ' x 200, $left + $hour, 1 }

{
	my @lines = drawn({ %utf8, COLUMNS => 70 });
	is($lines[0], $archive, 'the title');
	is($lines[1], 'WAL per hour, 2024-11-20 00:00 - 2024-11-22 00:00 UTC', '... and what is drawn');
	my ($one, $two) = (lane(1, @lines), lane(2, @lines));
	is(join('', map { at($one, $_) } 0, 5, 19, 21, 23, 24), '━◆┄┄✗━', 'timeline 1: WAL, base backup, nothing, gap');
	is(join('', map { at($two, $_) } 29, 30, 31, 47, 48), ' ┕━━ ', 'timeline 2: from its first segment to its last');
	is(at($one, 30), '┯', '... hangs from timeline 1');
	my ($top) = grep { /2 MiB/ } @lines;
	is(join('', map { at($top, $_) } 9, 10, 11), ' █ ', 'bars: the highest where most was');
	my @bars = @lines[ 3 .. 10 ];
	is(join('', map { at($_, 11) } @bars), '    ████', '... half of that in the lower half');
	is(join('', map { at($_, 20) } @bars), ' ' x 8, '... none where there was none');
	ok(!(grep { length > 70 } @lines[ 1 .. $#lines ]), 'not wider than it may be');
	unlike(join('', @lines), qr/\e/, 'no colours in a file');
	like($lines[-1], qr/━ archived   ┄ nothing archived   ◆ base backup   ✗ gap/, 'a legend');
}

{
	my @lines = drawn({ LC_ALL => 'C', COLUMNS => 70 });
	unlike(join('', @lines), qr/[^\x20-\x7e]/, 'in another locale: ASCII alone');
	is(join('', map { at(lane(1, @lines), $_) } 0, 5, 19, 23, 30), '=B-X+', '... the same');
	@lines = drawn({ LC_ALL => 'C', COLUMNS => '' });
	like($lines[1], qr/per hour/, '80 columns, when nothing says how many');
	@lines = drawn({ LC_ALL => 'C', COLUMNS => 40 });
	like($lines[1], qr/per 2 hours/, 'fewer columns, longer steps');
	@lines = drawn({ LC_ALL => 'C', COLUMNS => 70 }, '--since', '2024-11-21 20:00');
	like(lane(1, @lines), qr/^  timeline 1  [+]====/, 'a part');
	like(run('wallist', '-g', '--since=1h', $archive)->{out}, qr/nothing to draw/, 'nothing');
}

# ---- a terminal

SKIP:
{
	my $socket = scratch('tmux') . '/socket';
	my @tmux   = ('tmux', '-S', $socket, '-f', '/dev/null');
	my %env    = (%utf8, TERM => 'xterm-256color', TMUX => undef, NO_COLOR => undef, COLUMNS => undef);
	skip 'no tmux', 8 if run('tmux', '-V')->{code};

	# What stands in a terminal of 100 columns after the command, with its attributes.
	my $screen = sub {
		my ($command) = @_;
		run({ env => \%env }, @tmux, 'new-session', '-d', '-x', 100, '-y', 40, "$command; printf 'it is %s\\n' done; exec cat");
		my $shown = '';
		wait_until { ($shown = run({ env => \%env }, @tmux, 'capture-pane', '-p', '-e')->{out}) =~ /it is done/ } 20;
		run(@tmux, 'kill-server');
		return decode_utf8($shown);
	};
	my $wallist = program('wallist');
	my $shown = $screen->("$wallist -g $archive");
	like($shown, qr/\e\[[0-9;]*32m━━/, 'in a terminal: colours');
	like($shown, qr/\e\[[0-9;]*31m✗/, '... gaps in red');
	$shown =~ s/\e\[[0-9;]*m//g;
	my ($axis) = $shown =~ /^( +└.*)$/m;
	is(length($axis // ''), 14 + 48, '... as many columns as there are steps');
	like($shown, qr/^  timeline 1  ━━━━━◆━━/m, '... and the lanes');
	unlike($screen->("NO_COLOR=1 $wallist $archive"), qr/\e\[[0-9;]*m/, 'NO_COLOR');
	unlike($screen->("TERM=dumb $wallist $archive"), qr/\e\[[0-9;]*m/, 'TERM=dumb');
	like($screen->("NO_COLOR=1 $wallist --color=always $archive"), qr/\e\[[0-9;]*31m/, 'what is asked for wins');
	unlike($screen->("$wallist --color=never $archive"), qr/\e\[[0-9;]*m/, '... both ways');
}

# ---- a picture

sub xml_problem
{
	my ($file) = @_;
	my $run = run('python3', '-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])', $file);
	return $run->{code} ? $run->{err} : '';
}

{
	my $file = scratch('pictures') . '/wal.svg';
	succeeds('a picture', { out => '' }, 'wallist', "--svg=$file", $archive);
	is(xml_problem($file), '', '... is XML');
	my $svg = slurp($file);
	like($svg, qr{<title id="title">WAL archive \Q$archive\E</title>}, '... has a title');
	like($svg, qr{<desc id="desc">63 segments on 2 timelines, .* 1 base backup, 1 segment missing; 2024}, '... and is described');
	is(scalar(() = $svg =~ /class="backup" d="[^"]*"><title>1 base backup/g), 1, '... base backups');
	is(scalar(() = $svg =~ /class="gap" d="[^"]*"><title>1 gap before/g), 1, '... gaps');
	is(scalar(() = $svg =~ /class="fork"/g), 1, '... forks');
	like($svg, qr{>timeline 2</text>.*from 1 at 0/1C00028}s, '... labels');
	like($svg, qr/prefers-color-scheme: dark/, '... for dark viewers, too');
	unlike($svg, qr/(?:href|url\(|<script|<image)/, '... self-contained');
	is(run('wallist', '--svg=-', $archive)->{out}, $svg, '... the same on standard output');
	is(sprintf('%o', (stat $file)[2] & 0777), sprintf('%o', 0666 & ~umask), '... a file as any other');
	my $before = (stat $file)[1];
	run('wallist', "--svg=$file", '--timeline=1', $archive);
	isnt((stat $file)[1], $before, '... is replaced, not written over');
	is(listing(scratch('pictures')) =~ tr/\n//, 2, '... and nothing else is left');
	my $both = run({ env => { LC_ALL => 'C', COLUMNS => 70 } }, 'wallist', '-g', "--svg=$file", $archive);
	like($both->{out}, qr/timeline 1/, 'both at once');
	is(slurp($file), $svg, '... is both');
}

{
	my $odd = made_archive('a&b <c> "d" ' . "\xe9\x01", @objects);
	my $file = spew(scratch('odd') . '/odd.svg', '');
	succeeds('odd names', 'wallist', "--svg=$file", $odd);
	is(xml_problem($file), '', '... are written so that it is XML');
	symlink '/dev/null', scratch('odd') . '/link';
	refuses('no file for a device', { code => 6, like => qr/no regular file/ }, 'wallist', "--svg=$_", $archive)
	  for '/dev/null', scratch('odd') . '/link', scratch('odd');
	refuses('no directory', { code => 6, like => qr/nowhere/ }, 'wallist', '--svg=' . scratch() . '/nowhere/x.svg', $archive);
	refuses('a failure leaves the file as it was', { code => 3, keeps => [ scratch('odd') ] }, 'wallist', "--svg=$file", scratch() . '/not');
}

done_testing;
