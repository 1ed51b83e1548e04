# Whatever the path of an archive looks like, it is a path: to ssh, to the shell over there, to rsync and to its patterns.

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use RsyncTest;

my $server  = data_directory('server');
my $marker  = scratch() . '/executed';
my $touch   = "touch $marker";
my $home    = ssh_server()->directory . '/home';
my $kept    = next_segment($server);
my %neighbour = map { $_ => archive($_, 'neighbour') } kinds();
$ENV{WALTOOLS_TIMEOUT} = '5s';
succeeds("$_: a neighbour", 'walpush', at($neighbour{$_}), $kept) for kinds();
my %before = map { $_ => listing($neighbour{$_}{directory}) } kinds();

my @names = (
	q{ two  blanks ' " \\ & | < > ( ) ! # % + , = ^ ~ },
	"\$($touch)`$touch`;$touch;&$touch&|$touch|",
	"';$touch;'",
	"\";$touch;\"",
	"'\"'\"';$touch;#",
	"-e $touch",
	'--rsync-path=touch executed',
	'*', '?[a-z]{a,b}', 'neighbou*', '[n]eighbour',
	'~root', '$HOME', '\\#012', '%C%h', 'col:on::two', 'at@host', 'a/./b', 'end\\',
	"\xc3\xbc\xe2\x82\xac", "\xff\xfe\x80",
);

my @wrong;
for my $kind (kinds())
{
	for my $name ($kind =~ /only/ ? @names[ 0, 1, 7, 8, 10, 13, -1 ] : @names)
	{
		my $archive = archive($kind, $name);
		my @files = map { put_segment($server, number => $_) } 5, 6;
		my ($first, $second) = map { basename($_) } @files;
		my $try = sub {
			my ($code, @command) = @_;
			my $run = run(@command);
			push @wrong, "$command[0]: exit code $run->{code}: $run->{err}" if $run->{code} != $code || $code == 0 && $run->{err} ne '';
			return $run;
		};
		@wrong = ();
		my $first_push = run('walpush', at($archive), @files);
		if ($kind ne 'ssh' && $name =~ m{[*?\[\\]|^-} && $first_push->{code} == 2)
		{
			ok(objects($archive) eq '' && !one_error($first_push, 'walpush', 2), "$kind: refused: $name") or diag($first_push->{err});
			next;
		}
		push @wrong, "walpush: exit code $first_push->{code}: $first_push->{err}" if $first_push->{code} != 0 || $first_push->{err} ne '';
		push @wrong, 'it has ' . objects($archive) if objects($archive) ne "$first.zst $second.zst";
		my $run = $try->(0, 'walfetch', at($archive), $first, '-');
		push @wrong, 'other content' if $run->{out} ne slurp($files[0]);
		$try->(1, 'walfetch', at($archive), segment_name(number => 7), '-');
		$run = $try->(0, 'walclean', '-n', at($archive), $second);
		push @wrong, "-n says $run->{out}" if $run->{out} ne "$archive->{location}/$first.zst\n";
		$try->(0, 'walclean', at($archive), $second);
		push @wrong, 'after walclean it has ' . objects($archive) if objects($archive) ne "$second.zst";
		push @wrong, 'left over: ' . temporary($archive) . claims($archive) . spools() if temporary($archive) . claims($archive) . spools() ne '';
		ok(!@wrong, "$kind: $name") or diag(join "\n", @wrong);
	}
}

ok(!-e $marker && !grep({ -e "$_/executed" } '/', $home, scratch('far'), scratch('only'), rsync_daemon()->path('wal')), 'nothing was executed');
is(join(' ', glob "$home/{*,.[!.]*}"), '', 'nothing is in the home over there');
is(listing($neighbour{$_}{directory}), $before{$_}, "$_: the neighbour is as it was") for kinds();

done_testing;
