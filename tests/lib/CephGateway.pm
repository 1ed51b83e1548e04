package CephGateway;

# A real Ceph RADOS Gateway for tests of S3-compatible storage: one monitor, one OSD that keeps everything in memory, and
# radosgw, in the test's scratch directory, on ports of its own, as any user, in about a second. Ends with the test.
#
#   my $gateway = CephGateway->start;
#   my $bucket  = $gateway->bucket('wal');
#   my $run = run({ env => $gateway->environment }, 'walpush', "s3://$bucket", $segment);
#   is_deeply([ $gateway->objects($bucket) ], [...]);
#
#   my $gateway = CephGateway->start(tls => $certificates->bundle('good'), dns_name => 's3.localhost');
#   my $env     = $gateway->environment(endpoint => $gateway->tls_endpoint, authority => $certificates->authority);
#   my $other = $gateway->create_user('other');    # an S3Client with other keys
#   $gateway->kill; ...; $gateway->restart;        # what is stored stays
#
#   my $gateway = CephGateway->start(sts => 1);
#   my $guest   = $gateway->session(2);            # an S3Client with a token of STS that ends after 2 s
#
# Also there: SSE-C, SSE-KMS with the key kms_key(), object lock, virtual-host names below dns_name (s3.test unless told;
# libcurl finds *.s3.localhost without a name server). What it can be asked is in S3Server.

use strict;
use warnings;

use parent 'S3Server';

use File::Basename qw(dirname);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use S3Client ();
use ServerProcess;
use WalTest;

my $kms_key = 'waltools-key';
my $count   = 0;

# Options: tls (path of a file with private key and certificate), dns_name, sts (with it, Ceph says AccessDenied instead of
# InvalidAccessKeyId and SignatureDoesNotMatch), settings (a hash of more for radosgw).
sub start
{
	my ($class, %option) = @_;
	demand_programs(qw(ceph-mon ceph-osd radosgw));
	delete @ENV{qw(CEPH_ARGS CEPH_CONF)};
	my $number = ++$count;
	my $self   = bless { dns_name => 's3.test', %option, number => $number, directory => scratch("ceph$number") }, $class;
	$self->{$_} = reserve_port() for qw(monitor_port port tls_port);
	$self->configure;
	$self->make_cluster;
	$self->start_storage;
	$self->restart;
	$self->{client} = $self->create_user('wal');
	return $self;
}

# ---- what to connect to, besides S3Server's

sub tls_endpoint { return "https://127.0.0.1:$_[0]{tls_port}" }
sub tls_port     { return $_[0]{tls_port} }
sub kms_key      { return $kms_key }

# A user of the gateway; returns the client that has the keys. Secrets have what must be escaped somewhere.
sub create_user
{
	my ($self, $name) = @_;
	my %key = (access_key => uc "TEST${name}ACCESS", secret_key => "secret/of+$name=with every/sign");
	$key{secret_key} =~ tr/ /%/;
	$self->admin('user', 'create', "--uid=$name", "--display-name=$name", map { tr/_/-/r } map { "--$_=$key{$_}" } sort keys %key);
	return S3Client->new(endpoint => $self->endpoint, %key);
}

# A client that may do everything with a token of STS, for so many seconds.
sub session
{
	my ($self, $seconds) = @_;
	die 'the gateway was started without sts' if !$self->{sts};
	$self->create_role if !$self->{role}++;
	return $self->{client}->assume_role('arn:aws:iam:::role/session', $seconds);
}

sub create_role
{
	my ($self) = @_;
	my %statement = (
		trust => '"Principal":{"AWS":["arn:aws:iam:::user/wal"]},"Action":["sts:AssumeRole"]',
		allow => '"Action":"s3:*","Resource":"arn:aws:s3:::*"',
	);
	my %policy = map { $_ => qq({"Version":"2012-10-17","Statement":[{"Effect":"Allow",$statement{$_}}]}) } keys %statement;
	$self->admin('role', 'create', '--role-name=session', "--assume-role-policy-doc=$policy{trust}");
	$self->admin('role-policy', 'put', '--role-name=session', '--policy-name=all', "--policy-doc=$policy{allow}");
	return;
}

# radosgw-admin; returns what it prints.
sub admin
{
	my ($self, @command) = @_;
	return must($self->ceph('radosgw-admin', '-n', 'client.rgw'), @command);
}

# Keys that are listed from now on, though nothing is there, each with the size and time of an object whose key is as long:
# hundreds of thousands in seconds. The gateway must have been started with one shard for an index: settings =>
# { rgw_override_bucket_index_max_shards => 1 }.
sub list_more
{
	my ($self, $bucket, $object, @keys) = @_;
	my $stats = JSON::PP::decode_json($self->admin('bucket', 'stats', "--bucket=$bucket"));
	my $fill  = dirname(__FILE__) . '/fill_bucket';
	must({ stdin => join('', map { "$_\n" } @keys) }, $fill, "$self->{directory}/ceph.conf", $stats->{id}, $object);
	return;
}

# ---- going away and coming back

# The gateway is gone at once: connections are reset, then refused. The storage behind it stays.
sub kill { my ($self) = @_; $self->{process}->kill_now; return }

# Starts the gateway, on the same ports. Comes back when it answers.
sub restart
{
	my ($self) = @_;
	$self->{process}->kill_now if $self->{process};
	$self->{process} = $self->daemon('gateway', 'radosgw', '-n', 'client.rgw', '-f');
	$self->{process}->wait_for_port($_) for $self->{port}, $self->{tls} ? $self->{tls_port} : ();
	return;
}

# All of it. Nothing that is stored stays.
sub stop
{
	my ($self) = @_;
	$_->kill_now for grep { defined } @$self{qw(process osd monitor)};
	return;
}

# ---- the cluster

sub configure
{
	my ($self) = @_;
	chomp($self->{id} = slurp('/proc/sys/kernel/random/uuid'));
	spew("$self->{directory}/ceph.conf", $self->cluster_settings, $self->gateway_settings);
	return;
}

# No mgr, no authentication between the daemons, one copy, one placement group a pool, all class methods loaded (radosgw needs
# several). Ceph is told not to wait for more changes before it writes its maps: every pool would take a tenth of a second. The OSD
# takes the first ports that are free.
sub cluster_settings
{
	my ($self)    = @_;
	my $directory = $self->{directory};
	my $osd_port  = 20000 + int rand 10000;
	my $last_port = $osd_port + 1000;
	return <<"EOT";
[global]
fsid = $self->{id}
mon_host = v1:127.0.0.1:$self->{monitor_port}
ms_bind_msgr2 = false
ms_bind_port_min = $osd_port
ms_bind_port_max = $last_port
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = $directory
admin_socket =
pid_file =
log_file = $directory/\$name.log
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
mon_data_avail_crit = 1
mon_data_avail_warn = 1
mon_client_hunt_interval = 0.3
paxos_propose_interval = 0.001
paxos_min_wait = 0.001
[mon.a]
mon_data = $directory/mon
[osd]
osd_data = $directory/osd
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_class_update_on_start = false
osd_crush_update_on_start = false
osd_class_load_list = *
osd_class_default_list = *
EOT
}

sub gateway_settings
{
	my ($self) = @_;
	my $frontend = "beast endpoint=127.0.0.1:$self->{port}";
	$frontend .= " ssl_endpoint=127.0.0.1:$self->{tls_port} ssl_certificate=$self->{tls}" if $self->{tls};
	my %setting = (
		rgw_frontends                    => $frontend,
		rgw_data                         => "$self->{directory}/rgw",
		rgw_dns_name                     => $self->{dns_name},
		rgw_crypt_require_ssl            => 'false',
		rgw_crypt_s3_kms_backend         => 'testing',
		rgw_crypt_s3_kms_encryption_keys => "$kms_key=" . encode_base64(pack('A32', 'a key of 32 bytes for the tests'), ''),
		rgw_s3_auth_use_sts              => $self->{sts} ? 'true' : 'false',
		rgw_sts_key                      => 'sixteen-bytes-it',
		rgw_sts_min_session_duration     => 1,
		rgw_gc_obj_min_wait              => 1,
		rgw_gc_processor_period          => 2,
		rgw_gc_processor_max_time        => 2,
		%{ $self->{settings} // {} },
	);
	return "[client.rgw]\n" . join '', map { "$_ = $setting{$_}\n" } sort keys %setting;
}

# A command of Ceph with this cluster's configuration.
sub ceph
{
	my ($self, $program, @arguments) = @_;
	return ($program, '-c', "$self->{directory}/ceph.conf", @arguments);
}

sub daemon
{
	my ($self, $name, $program, @arguments) = @_;
	my %log = (monitor => 'mon.a', osd => 'osd.0', gateway => 'client.rgw');
	return ServerProcess->start(
		name    => "$name$self->{number}",
		command => [ $self->ceph($program, '--no-mon-config', @arguments) ],
		logs    => ["$self->{directory}/$log{$name}.log"],
	);
}

# The first map has the OSD in it already, which saves telling the monitor of it.
sub make_cluster
{
	my ($self) = @_;
	my ($directory, $id) = @$self{qw(directory id)};
	mkdir "$directory/$_" or die "$directory/$_: $!" for qw(mon osd rgw);
	my @maps = ('--monmap', "$directory/monmap");
	must('monmaptool', '--create', '--addv', 'a', "v1:127.0.0.1:$self->{monitor_port}", '--fsid', $id, "$directory/monmap");
	must($self->ceph('osdmaptool', '--createsimple', 1, "$directory/osdmap"));
	must($self->ceph('ceph-mon', '-i', 'a', '--mkfs', @maps, '--osdmap', "$directory/osdmap"));
	must($self->ceph('ceph-osd', '--no-mon-config', '-i', 0, '--mkfs', @maps, '--osd-uuid', $id));
	return;
}

sub start_storage
{
	my ($self) = @_;
	$self->{monitor} = $self->daemon('monitor', 'ceph-mon', '-i', 'a', '-f');
	$self->{monitor}->wait_for_port($self->{monitor_port});
	$self->{osd} = $self->daemon('osd', 'ceph-osd', '-i', 0, '-f');
	return;
}

1;
