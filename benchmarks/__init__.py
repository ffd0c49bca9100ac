"""The programs behind `make bench`: what Heed does here, beside what PostgreSQL itself can do."""
