"""The commands of ``sd4match``, one module a group."""
