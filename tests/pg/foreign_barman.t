# A barman server's archive, made by barman with a real server, recovered from by walfetch: gzip and bzip2 under bare names.

use strict;
use warnings;

use File::Basename qw(basename);
use File::Find ();
use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use ForeignScenario;
use Test::More;
use WalTest;

my $home   = scratch('barman');
my $config = "$home/barman.conf";
my $incoming = "$home/main/incoming";
my $coding = 'none';
my $primary;

sub barman
{
	my ($user) = getpwuid $>;
	my $compression = $coding eq 'none' ? '' : "compression = $coding\n";
	spew($config, <<"EOT");
[barman]
barman_user = $user
barman_home = $home
log_file = $home/log
[main]
description = main
conninfo = @{[ $primary->conninfo ]} dbname=postgres
streaming_conninfo = @{[ $primary->conninfo ]}
backup_method = postgres
archiver = on
$compression
EOT
	return PgServer::must('barman', '-q', '-c', $config, @_);
}

my $run = run_foreign(
	codings => [qw(none gzip bzip2)],
	prepare => sub { $primary = $_[0]; scratch('barman/main/incoming') },
	command => sub {
		$coding = $_[1];
		return "test ! -f $incoming/%f && cp %p $incoming/%f.tmp && mv $incoming/%f.tmp $incoming/%f";
	},
	settle   => sub { barman('archive-wal', 'main') },
	location => "$home/main",
);

my @objects;
File::Find::find({ no_chdir => 1, wanted => sub { push @objects, $_ if -f } }, "$home/main/wals");
my %magic = (none => "\x10\xd1", gzip => "\x1f\x8b\x08", bzip2 => 'BZh');
for my $magic (sort keys %magic)
{
	ok((grep { m{/wals/\w{16}/\w{24}$} && index(slurp($_), $magic{$magic}) == 0 } @objects), "there are segments of $magic, under bare names");
}
ok((grep { m{/wals/00000002\.history$} && slurp($_) =~ /^BZh/ } @objects), 'a history file, in bzip2 too');
ok((grep { m{/wals/\w{16}/\w{24}\.partial$} } @objects), 'a partial segment');
ok((grep { m{/wals/xlog\.db$} } @objects), "and barman's own list");
is($run->wrong("$home/main/wals"), '', 'the same at main/wals');

for my $command ([ 'walpush', "$home/main", $run->{nodes}{standby}->data . '/pg_wal/00000002.history' ], [ 'walclean', "$home/main", (sort keys %{ $run->{files} })[1] ])
{
	my $refused = run(@$command);
	is($refused->{code}, 4, "$command->[0] is refused");
	like($refused->{err}, qr/^$command->[0]: error: .*barman.*only read here: [^\n]*\n\z/, '... with advice');
}
done_testing();
