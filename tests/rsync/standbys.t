# walclean --standby and --keep-backups where rsync reaches: by ssh, with and without a shell, and at a daemon.

use FindBin;
use lib "$FindBin::Bin/../lib";
use RsyncTest;

my $server = data_directory('server');

sub name { return segment_name(number => $_[0]) }

sub left
{
	my ($archive) = @_;
	return join ' ', map { /^\w{16}(\w{8})/ ? hex $1 : () } split / /, stored($archive->{directory});
}

sub records
{
	my ($archive) = @_;
	return join ' ', map { m{/standby/(\w+)/} } sort glob "$archive->{directory}/.waltools/standby/*/*";
}

for my $kind (kinds())
{
	my $archive = archive($kind, 'main');
	run('walpush', at($archive), map { put_segment($server, number => $_) } 1 .. 9);
	run('walpush', at($archive), put($server, backup_name(number => 7), backup_text(number => 7)));
	succeeds("$kind: one standby", { out => '' }, 'walclean', '--standby=a', at($archive), name(3));
	succeeds('... another', { out => '' }, 'walclean', '--standby=b', at($archive), name(5));
	is(left($archive), '3 4 5 6 7 7 8 9', '... what the first needs is there');
	succeeds('... the first goes on', { out => '' }, 'walclean', '--standby=a', at($archive), name(6));
	is(left($archive) . ', ' . records($archive), '5 6 7 7 8 9, a b', '... up to what the other needs');
	succeeds('... which is forgotten', { out => '' }, 'walclean', '--forget-standby=b', at($archive));
	refuses('... once', { code => 4 }, 'walclean', '--forget-standby=b', at($archive));
	succeeds('... then', { out => '' }, 'walclean', at($archive), name(9));
	is(left($archive) . ', ' . records($archive), '6 7 7 8 9, a', '... it keeps nothing');
	succeeds('... a base backup', { out => '' }, 'walclean', '--standby=a', '--keep-backups=1', at($archive), name(8));
	is(left($archive), '7 7 8 9', '... keeps what it needs');
	my ($record) = glob "$archive->{directory}/.waltools/standby/a/*";
	spew($record, '');
	refuses('... a damaged record', { code => 5, like => qr/damaged/, keeps => [ $archive->{directory} ] }, 'walclean', at($archive), name(9));
}
is(spools(), '', 'nothing is left here');

done_testing;
