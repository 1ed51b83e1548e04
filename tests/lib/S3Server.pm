package S3Server;

# What every server of S3-compatible storage in tests has in common (CephGateway, SwiftServer): where it is, with whose keys, and
# what is in it, asked by a client of its own.
#
# A subclass sets the members port, client (S3Client) and process (ServerProcess, of what answers requests).

use strict;
use warnings;

sub endpoint   { return "http://127.0.0.1:$_[0]{port}" }
sub port       { return $_[0]{port} }
sub dns_name   { return $_[0]{dns_name} }
sub client     { return $_[0]{client} }
sub access_key { return $_[0]{client}->access_key }
sub secret_key { return $_[0]{client}->secret_key }

# For run(); options as of S3Client's environment.
sub environment { my ($self, @options) = @_; return $self->{client}->environment(@options) }

# ---- what is in it; more in S3Client

# Creates a bucket; options as of S3Client's create_bucket. Returns its name.
sub bucket   { my ($self, @arguments) = @_; return $self->{client}->create_bucket(@arguments) }
sub objects  { my ($self, @arguments) = @_; return $self->{client}->objects(@arguments) }
sub uploads  { my ($self, @arguments) = @_; return $self->{client}->uploads(@arguments) }
sub versions { my ($self, @arguments) = @_; return $self->{client}->versions(@arguments) }
sub get      { my ($self, @arguments) = @_; return $self->{client}->get(@arguments) }
sub head     { my ($self, @arguments) = @_; return $self->{client}->head(@arguments) }
sub put      { my ($self, @arguments) = @_; return $self->{client}->put(@arguments) }
sub delete   { my ($self, @arguments) = @_; return $self->{client}->delete(@arguments) }

# ---- how it is

sub is_running { my ($self) = @_; return $self->{process}->is_running }

# Connections are accepted and never answered until resume().
sub suspend { my ($self) = @_; $self->{process}->signal('STOP'); return }
sub resume  { my ($self) = @_; $self->{process}->signal('CONT'); return }

1;
